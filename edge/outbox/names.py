"""File names inside the state directory that several commands must agree on."""

from __future__ import annotations

OUTBOX_FILE = "outbox.db"
