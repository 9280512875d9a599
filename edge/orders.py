"""What the node does about each admitted command."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from contract.clock import Clock
from contract.commands import GalleryDrop, GalleryPut, LabelRevert, LabelShow, PolicySet, Receipt
from edge.clock_offset import ClockOffset
from edge.commands import CommandGate
from edge.keys import NodeKey
from edge.outbox.store import OutboxStore
from edge.perception import Perception
from edge.sealing import SealError, open_key, open_template
from edge.values import Emission, Instant
from edge.worker import Perceiver

log = logging.getLogger(__name__)

LONGEST_LEASE_S = 24 * 3600.0
"""No template is held longer without central's word (PRIVACY P5), whatever a command says."""


class Labels(Protocol):
    """Where label commands go."""

    def command(self, command: LabelShow | LabelRevert) -> None: ...


class Orders:
    """Called by the publisher's thread with every message; never raises."""

    def __init__(
        self,
        gate: CommandGate,
        outbox: OutboxStore,
        perception: Perception,
        labels: Labels | None,
        key: NodeKey,
        embedder: str | None,
        clock: Clock,
        on_policy: Callable[[str], None],
        offset: ClockOffset,
    ) -> None:
        self._gate = gate
        self._outbox = outbox
        self._perception = perception
        self._labels = labels
        self._key = key
        self._embedder = embedder
        self._clock = clock
        self._on_policy = on_policy
        self._offset = offset
        self.failed: Counter[str] = Counter()
        """Admitted commands that could not be carried out, by reason."""

    def refused(self) -> dict[str, int]:
        """Refused and failed commands by reason, the twelve most frequent."""
        return dict((self._gate.refused + self.failed).most_common(12))

    def take(self, topic: str, payload: bytes) -> None:
        """Judge one message and act on it."""
        try:
            message = self._gate.admit(topic, payload, self._clock.now())
        except sqlite3.Error as error:
            self._fail("not_remembered", f"its number could not be saved ({error})")
            return
        if message is None:
            return
        match message.data:
            case Receipt() as receipt:
                self._offset.step(message.envelope.time, self._clock.now())
                self._outbox.acknowledge(receipt.session, receipt.sequence, receipt.also)
            case LabelShow() | LabelRevert() as command:
                self._label(command)
            case GalleryPut() as put:
                self._put(put)
            case GalleryDrop() as drop:
                self._perception.submit(lambda vision, now: vision.withdraw(drop.subject, now))
            case PolicySet() as policy:
                self._on_policy(policy.document)
            case other:
                self._fail("unknown_kind", type(other).__name__)

    def _label(self, command: LabelShow | LabelRevert) -> None:
        if self._labels is None:
            self._fail("no_labels", "this node drives no labels")
        else:
            self._labels.command(command)

    def _put(self, put: GalleryPut) -> None:
        lease_s = min((put.lease_until - self._clock.now()).total_seconds(), LONGEST_LEASE_S)
        if self._perception.decision.mode == "qr_only":
            self._fail("policy", "mode qr_only holds no templates")
        elif put.model_sha256 != self._embedder:
            self._fail("model", "the template was made by another embedder; enrol the person again")
        elif lease_s <= 0:
            self._fail("expired", "the lease is over")
        else:
            self._open(put, lease_s)

    def _open(self, put: GalleryPut, lease_s: float) -> None:
        try:
            key = open_key(put.sealed_key, self._key.private)
            vector = open_template(put.sealed_template, key, put.subject, put.template)
        except SealError as error:
            self._fail("sealed", str(error))
            return
        until = self._clock.monotonic() + lease_s

        # On the worker's thread: a put and a drop keep the order in which they came.
        def job(_vision: Perceiver, _now: Instant) -> list[Emission]:
            self._perception.gallery.put(put.subject, put.template, vector, until)
            vector.fill(0)
            return []

        self._perception.submit(job)

    def _fail(self, reason: str, detail: str) -> None:
        if reason not in self.failed:
            log.warning("command not carried out (%s): %s; further ones are only counted", reason, detail)
        self.failed[reason] += 1
