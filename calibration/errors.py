"""What an installer is told when a calibration is not possible."""

from __future__ import annotations


class CalibrationError(ValueError):
    """Bad input: the message says what is wrong and what to do instead; `word` is what a page has its own text for."""

    def __init__(self, message: str, word: str = "other") -> None:
        super().__init__(message)
        self.word = word
