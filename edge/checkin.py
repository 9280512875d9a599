"""Is this QR code a valid check-in? Verified offline: central's certificate, the phone's statement, life, replay.

Time can be set, so the wall clock is not believed when it goes back: what was already expired stays expired.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from contract.checkin import LIFETIME_S, Certificate, CheckinToken, TokenError, parse_token
from edge.values import Instant

Reason = Literal[
    "not_a_token",
    "forged_certificate",
    "forged_statement",
    "certificate_expired",
    "expired",
    "from_the_future",
    "clock_went_back",
    "before_start",
    "replayed",
    "too_many",
]
_SKEW_S = 5.0
"""A phone's clock may be this far ahead of ours."""
_CACHE_LIMIT = 20_000
_HALF = 32


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid check-in of this subject (pseudonym, 32 hex digits)."""

    subject: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not to be acted upon."""

    reason: Reason


class ReplayCache:
    """Remembers what was accepted for as long as it would be accepted again. Full means refuse, not forget."""

    def __init__(self, limit: int = _CACHE_LIMIT) -> None:
        self._limit = limit
        self._known: set[bytes] = set()
        self._by_age: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._known)

    def admit(self, key: bytes, until: float, now: float) -> Literal["new", "known", "full"]:
        """Remember `key` until monotonic `until`."""
        while self._by_age and self._by_age[0][0] < now:
            self._known.discard(heapq.heappop(self._by_age)[1])
        if key in self._known:
            return "known"
        if len(self._known) >= self._limit:
            return "full"
        self._known.add(key)
        heapq.heappush(self._by_age, (until, key))
        return "new"


class CheckinVerifier:
    """One node's check-ins. `started`: codes made before it are refused, for their replays were not watched."""

    def __init__(self, central_signing_key: bytes, started: Instant, cache_limit: int = _CACHE_LIMIT) -> None:
        self._central = Ed25519PublicKey.from_public_bytes(central_signing_key)
        self._cache = ReplayCache(cache_limit)
        self._started_ms = int(started.wall.timestamp() * 1000)
        self._latest = started
        self.counts: dict[str, int] = {}

    def step(self, text: str, now: Instant) -> Accepted | Refused:
        """Judge one scanned text; a valid one is accepted once."""
        answer = self._judge(text, now)
        word = answer.reason if isinstance(answer, Refused) else "accepted"
        self.counts[word] = self.counts.get(word, 0) + 1
        return answer

    def _judge(self, text: str, now: Instant) -> Accepted | Refused:
        try:
            token = parse_token(text)
        except (TokenError, ValueError):
            return Refused("not_a_token")
        if not self._by_central(token.certificate):
            return Refused("forged_certificate")
        if not _by_phone(token):
            return Refused("forged_statement")
        late = self._untimely(token, now)
        if late is not None:
            return Refused(late)
        # Twice the life covers a phone clock that is ahead by the allowed skew.
        until = now.monotonic + 2 * (LIFETIME_S + _SKEW_S)
        admitted = self._cache.admit(token.certificate.subject + token.nonce, until, now.monotonic)
        if admitted != "new":
            return Refused("replayed" if admitted == "known" else "too_many")
        return Accepted(token.certificate.subject_id)

    def _by_central(self, certificate: Certificate) -> bool:
        try:
            self._central.verify(certificate.signature, certificate.signed_part())
        except InvalidSignature:
            return False
        return True

    def _untimely(self, token: CheckinToken, now: Instant) -> Reason | None:
        wall = now.wall.timestamp()
        trusted = self._not_before(now)
        issued = token.issued_ms / 1000.0
        if trusted > token.certificate.not_after:
            return "certificate_expired"
        if issued > wall + _SKEW_S:
            return "from_the_future"
        if trusted - issued > LIFETIME_S:
            return "clock_went_back" if wall - issued <= LIFETIME_S else "expired"
        return "before_start" if token.issued_ms < self._started_ms else None

    def _not_before(self, now: Instant) -> float:
        """Unix time that has surely been reached: the latest wall time seen plus monotonic time since."""
        reached = self._latest.at(max(now.monotonic, self._latest.monotonic))
        if now.wall >= reached:
            self._latest = now
        return max(reached, now.wall).timestamp()


def _by_phone(token: CheckinToken) -> bool:
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), token.certificate.phone_key)
        r, s = int.from_bytes(token.signature[:_HALF]), int.from_bytes(token.signature[_HALF:])
        key.verify(encode_dss_signature(r, s), token.signed_part(), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
