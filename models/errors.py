"""Errors of the models package, classed by what the caller should do."""

from __future__ import annotations


class ModelError(Exception):
    """Base of every error this package raises on purpose; the message says what to do."""


class MisconfiguredError(ModelError):
    """An operator must act: a weight is missing or corrupt, npm is absent, the disk is full."""


class TransientError(ModelError):
    """The same call may work later: no network, a registry that does not answer."""


class PermanentError(ModelError):
    """Trying again changes nothing: a download with the wrong contents, a graph we cannot convert."""
