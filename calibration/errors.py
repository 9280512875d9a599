"""What an installer is told when a calibration is not possible."""

from __future__ import annotations


class CalibrationError(ValueError):
    """Bad input: the message says what is wrong and what to do instead."""
