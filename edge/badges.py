"""Is this QR code a valid badge of this store? Verified offline, by central's key and the badge's own life."""

from __future__ import annotations

from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract.badge import LONGEST_LIFE_DAYS, BadgeError, parse_badge
from edge.values import Instant

Verdict = Literal["accepted", "not_a_badge", "forged", "expired", "too_long"]


class BadgeVerifier:
    """One node's. The wall clock is not believed when it goes back: what had run out stays run out."""

    def __init__(self, central_signing_key: bytes, store: str, started: Instant) -> None:
        self._central = Ed25519PublicKey.from_public_bytes(central_signing_key)
        self._store = store
        self._latest = started
        self.counts: dict[str, int] = {}

    def step(self, text: str, now: Instant) -> str | None:
        """The badge's number (16 hex digits), or None when it is not to be believed."""
        verdict, badge = self._judge(text, now)
        self.counts[verdict] = self.counts.get(verdict, 0) + 1
        return badge

    def _judge(self, text: str, now: Instant) -> tuple[Verdict, str | None]:
        try:
            badge = parse_badge(text)
        except BadgeError:
            return "not_a_badge", None
        try:
            self._central.verify(badge.signature, badge.signed_part(self._store))
        except InvalidSignature:
            return "forged", None
        reached = self._reached(now)
        if reached > badge.not_after:
            return "expired", None
        if badge.not_after - reached > LONGEST_LIFE_DAYS * 86_400:
            return "too_long", None
        return "accepted", badge.badge.hex()

    def _reached(self, now: Instant) -> float:
        """Unix time that has surely been reached."""
        reached = self._latest.at(max(now.monotonic, self._latest.monotonic))
        if now.wall >= reached:
            self._latest = now
        return max(reached, now.wall).timestamp()
