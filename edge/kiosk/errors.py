"""What the page is told when something is not possible: a word it has a text for, and an HTTP status."""

from __future__ import annotations

from typing import Literal

Word = Literal[
    "policy", "busy", "expired", "consent_changed", "identify_needed", "wrong_step", "not_a_picture", "too_fast",
    "too_many", "models", "not_saved", "no_answer", "forbidden",
]  # fmt: skip

_STATUS: dict[Word, int] = {
    "policy": 403,
    "busy": 409,
    "expired": 401,
    "consent_changed": 409,
    "identify_needed": 422,
    "wrong_step": 409,
    "not_a_picture": 422,
    "too_fast": 429,
    "too_many": 429,
    "models": 503,
    "not_saved": 503,
    "no_answer": 503,
    "forbidden": 403,
}


class KioskError(Exception):
    """`word` is for the page; nothing in it tells about a person."""

    def __init__(self, word: Word) -> None:
        super().__init__(word)
        self.word: Word = word

    @property
    def status(self) -> int:
        """HTTP status."""
        return _STATUS[self.word]
