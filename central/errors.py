"""What can go wrong, by what to do about it."""

from __future__ import annotations


class MisconfiguredError(Exception):
    """A person has to change something; the message says what. The command line prints it and exits with 2."""


class RejectedError(Exception):
    """An event that can never be applied (permanent); the message goes to quarantine."""
