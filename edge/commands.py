"""The gate for what central says: decoded, addressed to us, signed, in time, in order - or refused and counted."""

from __future__ import annotations

import base64
import binascii
import logging
from collections import Counter
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract.codec import Message, decode
from contract.commands import GalleryDrop, GalleryPut, LabelRevert, LabelShow, PolicySet, Receipt, Signed
from contract.errors import MessageError
from contract.signing import signing_bytes
from edge.memory import Memory

log = logging.getLogger(__name__)


class Refused(Exception):  # noqa: N818 - an outcome, not a fault of ours
    """A command that is not obeyed; `reason` is a stable word for the health counters."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Repeated(Refused):
    """Central has not heard that this very command was obeyed and sends it again: neither counted nor logged."""


class CommandGate:
    """Judges commands of one node. Signed ones are remembered (on disk) before they are obeyed."""

    def __init__(self, store: str, node: str, signing_key: bytes, memory: Memory) -> None:
        self._store = store
        self._node = node
        self._key = Ed25519PublicKey.from_public_bytes(signing_key)
        self._memory = memory
        self._highest: dict[str, int] = {
            str(scope): int(str(sequence)) for scope, sequence in memory.rows("SELECT scope, sequence FROM obeyed")
        }
        self.refused: Counter[str] = Counter()
        """By reason, since start: health.commands_refused."""

    def admit(self, topic: str, payload: bytes, now: datetime) -> Message | None:
        """The message when it is to be obeyed; None when refused (counted, logged without its content) or repeated."""
        try:
            return self.judge(topic, payload, now)
        except Repeated:
            return None
        except Refused as refusal:
            self.refused[refusal.reason] += 1
            log.warning("command refused (%s)", refusal)
            return None

    def judge(self, topic: str, payload: bytes, now: datetime) -> Message:
        """The message, or Refused. sqlite3.Error when its number could not be remembered: then it is not obeyed."""
        try:
            message = decode(topic, payload)
        except MessageError as error:
            raise Refused(error.reason, error.detail) from None
        if (message.address.store, message.address.node) != (self._store, self._node):
            raise Refused("misaddressed", f"for {message.address.store}/{message.address.node}")
        if isinstance(message.data, Signed):
            self._check(message, message.data, now)
        elif not isinstance(message.data, Receipt):
            raise Refused("unknown_kind", f"{message.channel.kind} is not a command")
        return message

    def _check(self, message: Message, data: Signed, now: datetime) -> None:
        self._verify(message, data)
        if now > data.valid_until:
            raise Refused("expired", f"{message.channel.kind} was valid until {data.valid_until:%Y-%m-%d %H:%M:%S}Z")
        own, above, durable = _scopes(data)
        if data.sequence == self._highest.get(own):
            raise Repeated("old", f"{message.channel.kind} {data.sequence} was obeyed already")
        if data.sequence <= max(self._highest.get(scope, 0) for scope in (own, *above)):
            raise Refused("old", f"{message.channel.kind} {data.sequence} was passed already")
        self._remember(own, data.sequence, durable=durable)

    def _verify(self, message: Message, data: Signed) -> None:
        if not data.signature:
            raise Refused("unsigned", message.channel.kind)
        try:
            covered = signing_bytes(message.channel.kind, self._store, self._node, message.raw)
            self._key.verify(base64.b64decode(data.signature, validate=True), covered)
        except (InvalidSignature, binascii.Error, ValueError):
            raise Refused("forged", f"{message.channel.kind}: the signature is not central's") from None

    def _remember(self, scope: str, sequence: int, *, durable: bool) -> None:
        if durable:
            with self._memory.transaction() as db:
                db.execute("INSERT OR REPLACE INTO obeyed VALUES (?, ?)", (scope, sequence))
        self._highest[scope] = sequence


def _scopes(data: Signed) -> tuple[str, tuple[str, ...], bool]:
    """(what the sequence counts for, wider scopes it must also exceed, whether it is kept over a restart).

    Order matters within a label and within a subject, so a late command about another one is still obeyed. Puts are
    not kept: the gallery itself does not outlive the process, and a put older than a drop stays refused.
    """
    match data:
        case LabelShow() | LabelRevert():
            return f"label:{data.label}", (), True
        case GalleryPut():
            return f"subject:{data.subject}/{data.template}", (f"subject:{data.subject}",), False
        case GalleryDrop():
            return f"subject:{data.subject}", (), True
        case PolicySet():
            return "policy", (), True
        case _:
            raise Refused("unknown_kind", f"{type(data).__name__} is not obeyed by this version")
