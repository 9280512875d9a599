"""The site policy over time: the configured document, a newer one from central, and the day it runs out."""

from __future__ import annotations

import base64
import logging
import os
import secrets
from datetime import datetime
from pathlib import Path

from edge.config.model import EdgeConfig
from edge.errors import NodeError
from edge.policy import PolicyDecision, UnknownRegionError, judge

log = logging.getLogger(__name__)

FILE = "site-policy.json"
"""In the state directory: the last document of central that was granted. Signed, and public by nature."""


class SitePolicyKeeper:
    """Judges what the configuration asks for; a document of central counts only when it grants just that."""

    def __init__(self, config: EdgeConfig) -> None:
        self._config = config
        self._received = config.state_dir / FILE

    def decide(self, now: datetime) -> PolicyDecision:
        """What holds now. NodeError for an unknown region or an unreadable document file."""
        decision = self._judge(self._configured(), now)
        if decision.mode == decision.asked or not self._received.is_file():
            return decision
        other = self._judge(_read(self._received), now)
        return other if other.mode == other.asked else decision

    def receive(self, document: str, now: datetime) -> PolicyDecision | None:
        """A document sent by central: kept when it grants what the configuration asks for; None otherwise."""
        decision = self._judge(document.encode(), now)
        if decision.mode != decision.asked:
            log.warning("policy.set: not taken: %s", decision.reason)
            return None
        temporary = self._received.with_name(f".{FILE}.{secrets.token_hex(4)}")
        temporary.write_text(document, encoding="utf-8")
        os.replace(temporary, self._received)  # noqa: PTH105 - atomic on POSIX
        return decision

    def _configured(self) -> bytes | None:
        path = self._config.policy.document
        return None if path is None else _read(path)

    def _judge(self, document: bytes | None, now: datetime) -> PolicyDecision:
        try:
            return judge(self._config.policy, self._config.store, _operator_key(self._config), document, now)
        except UnknownRegionError as error:
            raise NodeError(f"policy.region: {error}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NodeError(f"policy.document: {path}: {error.strerror}; name a readable file or remove the key") from None


def _operator_key(config: EdgeConfig) -> bytes | None:
    if config.trust is None or config.trust.operator_key is None:
        return None
    return base64.b64decode(config.trust.operator_key)
