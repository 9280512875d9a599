"""Consent and what follows from it: sealed templates or a withdrawal, committed to the outbox.

One way for the command line and the kiosk. Imports no face module: a withdrawal works without them (PRIVACY P9).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.clock import Clock
from contract.events import PURPOSES, ConsentGiven, EnrolmentCompleted, EnrolmentWithdrawn, Purpose
from contract.values import Report
from edge.config.model import EdgeConfig
from edge.errors import NodeError
from edge.outbox.draft import make_draft
from edge.outbox.names import OUTBOX_FILE
from edge.outbox.store import OutboxFullError, OutboxReplacedError, OutboxStore
from edge.sealing import new_subject_key, seal_key, seal_template
from edge.values import Vector

Channel = Literal["kiosk", "command_line", "page", "import"]
TEXT_LIMIT_BYTES = 200_000
SUBJECT_PATTERN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person agreed to."""

    text: bytes
    text_version: str
    purposes: frozenset[Purpose]
    channel: Channel = "command_line"

    def given(self, clock: Clock) -> ConsentGiven:
        """As it travels: the text by its hash, every purpose with yes or no."""
        return ConsentGiven(
            text_version=self.text_version,
            text_sha256=hashlib.sha256(self.text).hexdigest(),
            purposes={purpose: purpose in self.purposes for purpose in PURPOSES},
            channel=self.channel,
            at=clock.now(),
        )


def read_text(path: Path, key: str) -> bytes:
    """The text people agree to, byte for byte. NodeError names `key`, the option or setting that gave the file."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NodeError(f"{key}: {path}: {error.strerror}") from None
    if not text.strip() or len(text) > TEXT_LIMIT_BYTES:
        raise NodeError(f"{key}: {path}: must hold the text the person agrees to (not empty, at most 200 kB)")
    return text


def check_subject(subject: str) -> str:
    """The pseudonym, 32 hex digits; NodeError otherwise."""
    if not SUBJECT_PATTERN.fullmatch(subject):
        raise NodeError("--subject: 32 lower-case hex digits are needed (the pseudonym central shows for the customer)")
    return subject


def completed(
    subject: str, vectors: Sequence[Vector], consent: ConsentGiven, sealing_key: str, model_sha256: str, clock: Clock
) -> list[EnrolmentCompleted]:
    """One event to a template, all under one new key of this subject, sealed to central."""
    key = new_subject_key()
    events = []
    for vector in vectors:
        template = uuid.uuid4().hex
        events.append(
            EnrolmentCompleted(
                subject=subject,
                template=template,
                model_sha256=model_sha256,
                sealed_template=seal_template(vector, key, subject, template),
                sealed_key=seal_key(key, sealing_key),
                consent=consent,
                at=clock.now(),
            )
        )
    return events


def withdrawn(subject: str, clock: Clock) -> EnrolmentWithdrawn:
    """Consent taken back at the store, for every purpose."""
    return EnrolmentWithdrawn(subject=subject, at=clock.now())


def commit(config: EdgeConfig, path: Path, reports: Sequence[Report], clock: Clock) -> None:
    """All or none into the outbox file, beside a running node too. NodeError when it takes nothing."""
    store = OutboxStore(path, clock)
    try:
        store.append([make_draft(report, f"/{config.store}/{config.node}", clock) for report in reports])
    except (OutboxFullError, OutboxReplacedError) as error:
        raise NodeError(f"state_dir: nothing was saved ({error}); free disk space and try again") from None
    finally:
        store.close()


def record_enrolment(
    config: EdgeConfig, subject: str, vectors: Sequence[Vector], consent: ConsentGiven, embedder: str, clock: Clock
) -> int:
    """Seal the templates under a new key of the subject and commit them; answers how many. NodeError."""
    if config.trust is None:
        raise NodeError("trust: this section is required to enrol; print it with `python -m central keys`")
    events = completed(subject, vectors, consent, config.trust.central_sealing_key, embedder, clock)
    commit(config, config.state_dir / OUTBOX_FILE, events, clock)
    return len(events)


def record_withdrawal(config: EdgeConfig, subject: str, clock: Clock) -> None:
    """Commit that the subject takes back every consent. NodeError."""
    commit(config, config.state_dir / OUTBOX_FILE, [withdrawn(subject, clock)], clock)
