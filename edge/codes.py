"""What a scanned text means: a check-in, a badge, a product, or nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from contract.badge import is_badge
from contract.checkin import is_checkin
from contract.events import ProductScanned
from edge.attachment import Place
from edge.badges import BadgeVerifier
from edge.checkin import Accepted, CheckinVerifier, Refused
from edge.values import Emission, Instant
from edge.visits import VisitBook

_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_GTIN_LENGTHS = (8, 12, 13, 14)
_LONGEST = 2048


def gtin_is_sound(digits: str) -> bool:
    """Length and check digit (GS1 General Specifications 7.9)."""
    if len(digits) not in _GTIN_LENGTHS or not (digits.isascii() and digits.isdigit()):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return weighted % 10 == 0


def product_code(text: str) -> str | None:
    """The GTIN of a GS1 Digital Link (https://HOST/.../01/GTIN...), or a plain SKU; None for anything else."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    if "://" not in text:
        return text if _SKU.fullmatch(text) else None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None
    steps = unquote(parts.path).split("/")
    found = (value for key, value in pairwise(steps) if key == "01" and gtin_is_sound(value))
    return next(found, None)


class CodeDesk:
    """Takes the scans of every camera and scanner. `claim_s` answers how long a face may confirm a check-in there."""

    def __init__(
        self,
        visits: VisitBook,
        verifier: CheckinVerifier | None,
        claim_s: Callable[[str, Place], float | None],
        badges: BadgeVerifier | None = None,
    ) -> None:
        self._visits = visits
        self._badges = badges
        self._verifier = verifier
        self._claim_s = claim_s
        self.counts: dict[str, int] = {}

    def step(self, text: str, place: Place, now: Instant) -> list[Emission]:
        """One scanned text at a device."""
        if is_checkin(text):
            return self._check_in(text, place, now)
        if is_badge(text):
            self._badge(text, place, now)
            return []
        sku = product_code(text)
        if sku is None:
            self._count("unknown_code")
            return []
        self._count("product")
        return [ProductScanned(sku=sku, device=place.device, visit=self._visits.at(place, now), at=now.wall)]

    def admit(self, text: str, now: Instant) -> Accepted | Refused | None:
        """Who shows this check-in code, without a visit (at the kiosk); the code is used up. None without a key."""
        return None if self._verifier is None else self._verifier.step(text, now)

    def checkins(self) -> dict[str, int]:
        """Accepted and, by reason, refused check-ins."""
        return dict(self._verifier.counts) if self._verifier is not None else {}

    def _check_in(self, text: str, place: Place, now: Instant) -> list[Emission]:
        if self._verifier is None:
            self._count("no_central_key")
            return []
        answer = self._verifier.step(text, now)
        if not isinstance(answer, Accepted):
            return []
        return self._visits.checked_in(answer.subject, place, now, self._claim_s(answer.subject, place))

    def _badge(self, text: str, place: Place, now: Instant) -> None:
        """Somebody of the house; nobody is told."""
        badge = None if self._badges is None else self._badges.step(text, now)
        self._count("badge" if badge is not None else "badge_refused")
        if badge is not None:
            self._visits.badged(badge, place, now)

    def _count(self, word: str) -> None:
        self.counts[word] = self.counts.get(word, 0) + 1
