"""Errors of the node that a person must act on; everything else heals or is a bug."""

from __future__ import annotations


class NodeError(Exception):
    """The node cannot start or a command line cannot be carried out; the text says what to do."""
