"""What can be wrong with a message. A consumer catches `MessageError`, counts it, quarantines it and goes on."""

from __future__ import annotations


class MessageError(ValueError):
    """A message that cannot be used. `reason` is a stable word for counters, `detail` is for people."""

    reason = "invalid"

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.reason}: {detail}")
        self.detail = detail


class OversizedError(MessageError):
    """More bytes than the contract allows; never parsed."""

    reason = "oversized"


class MalformedError(MessageError):
    """Not JSON, or not a CloudEvent of this contract."""

    reason = "malformed"


class UnknownKindError(MessageError):
    """A kind this version has no row for (a newer peer may have sent it)."""

    reason = "unknown_kind"


class MisaddressedError(MessageError):
    """The topic and the envelope name different stores, nodes or kinds (a forged node id looks like this)."""

    reason = "misaddressed"


class InvalidDataError(MessageError):
    """A known kind whose data breaks its model; the detail names the field."""

    reason = "invalid_data"
