"""Errors classed by what the caller should do about them."""

from __future__ import annotations

from hardware.redact import redact


class HardwareError(Exception):
    """A device did not do its work. `message` says what happened, `advice` what to do; neither holds credentials."""

    def __init__(self, message: str, advice: str = "") -> None:
        self.message = redact(message)
        self.advice = redact(advice)
        super().__init__(self.message, self.advice)

    def __str__(self) -> str:
        return f"{self.message}. {self.advice}" if self.advice else self.message


class TransientError(HardwareError):
    """Expected to heal by itself: retry with backoff."""


class PermanentError(HardwareError):
    """Needs a person: retrying quickly is useless, retrying slowly lets the device heal without a restart."""


class MisconfiguredError(HardwareError):
    """The configuration is wrong: `option` names the key to change. Never retried."""

    def __init__(self, message: str, advice: str = "", option: str = "") -> None:
        super().__init__(message, advice)
        self.option = option


class EndOfRecording(HardwareError):  # noqa: N818 - not a fault: the recording is simply over
    """A file camera came to the end of its recording."""
