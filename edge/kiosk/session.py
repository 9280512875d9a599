"""One person at the kiosk, in memory only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from contract.events import ConsentGiven
from edge.config.kiosk import Language
from edge.reader import CodeReader

if TYPE_CHECKING:
    from edge.kiosk.guide import Guide

Purpose = Literal["enrol", "withdraw"]
Step = Literal["consent", "code", "poses", "confirm", "done", "refused"]

LONGEST_S = 900.0
"""A visit to the kiosk ends after this long, whatever happens at it."""
READING_S = 300.0
"""The consent text may take longer to read than people may be idle; nothing is known of them yet."""
MOST_CODES = 12
"""Refused codes before the session ends."""


def _token() -> str:
    return secrets.token_urlsafe(32)


@dataclass(slots=True)
class Session:
    """`touched` moves when the person does something or is seen, not with every picture."""

    purpose: Purpose
    language: Language
    started: float
    """Monotonic."""
    touched: float
    step: Step
    cookie: str = field(default_factory=_token)
    csrf: str = field(default_factory=_token)
    consent: ConsentGiven | None = None
    subject: str | None = None
    reader: CodeReader = field(default_factory=lambda: CodeReader("kiosk"))
    guide: Guide | None = None
    codes_refused: int = 0
    pictured: float = float("-inf")
    """Monotonic time of the last picture."""

    def expired(self, now: float, idle_s: float) -> bool:
        """Whether the person has gone, or takes too long."""
        patience = max(idle_s, READING_S) if self.step == "consent" else idle_s
        return now - self.touched > patience or now - self.started > LONGEST_S

    def wipe(self) -> None:
        """Forget the person."""
        if self.guide is not None:
            self.guide.wipe()
        self.guide = self.consent = self.subject = None
