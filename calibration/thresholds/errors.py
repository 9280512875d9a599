"""What can stand between scores and a certificate."""

from __future__ import annotations


class ThresholdError(ValueError):
    """Bad input; the message names the file and line or the option, and what to do."""


class NotEarnedError(ThresholdError):
    """The scores are readable but cannot carry a threshold: too few, or no tail that fits. Nothing is certified."""
