"""Who may see what: a personal price only for one identified person who is alone in the label's zone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Occupant:
    """One floor track that is in the zone now."""

    track: str
    visit: str | None
    dwelled: bool
    allowed: bool
    """The visit is known, goes on, and its person agreed to a profile and to personal prices."""


@dataclass(frozen=True, slots=True)
class Personal:
    """Show this visit its price."""

    visit: str


@dataclass(frozen=True, slots=True)
class Public:
    """Show the public price; the reason is the one a revert command carries."""

    reason: Literal["left", "shared", "withdrawn"]


def decide(occupants: Sequence[Occupant]) -> Personal | Public:
    """Two people, an anonymous one among them or not, or nobody: public. In doubt: public."""
    if len(occupants) > 1:
        return Public("shared")
    if not occupants or not occupants[0].visit or not occupants[0].dwelled:
        return Public("left")
    return Personal(occupants[0].visit) if occupants[0].allowed else Public("withdrawn")
