"""QR check-ins: the forged, the replayed, the old and the early are refused, always (PRIVACY S5)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contract.checkin import PREFIX, Certificate, CheckinToken
from edge.checkin import Accepted, CheckinVerifier, Refused, ReplayCache
from edge.values import Instant

At = Callable[..., Instant]
CENTRAL = Ed25519PrivateKey.generate()
PHONE = ec.generate_private_key(ec.SECP256R1())
SUBJECT = bytes(range(16))


def certificate(
    not_after: float, signer: Ed25519PrivateKey = CENTRAL, phone: ec.EllipticCurvePrivateKey = PHONE
) -> Certificate:
    point = phone.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    plain = Certificate(SUBJECT, point, int(not_after))
    return replace(plain, signature=signer.sign(plain.signed_part()))


def token(
    issued: float,
    *,
    not_after: float | None = None,
    nonce: bytes | None = None,
    signer: Ed25519PrivateKey = CENTRAL,
    phone: ec.EllipticCurvePrivateKey = PHONE,
) -> CheckinToken:
    paper = certificate(issued + 86_400 if not_after is None else not_after, signer)
    plain = CheckinToken(paper, int(issued * 1000), nonce or os.urandom(8), b"")
    r, s = decode_dss_signature(phone.sign(plain.signed_part(), ec.ECDSA(SHA256())))
    return replace(plain, signature=r.to_bytes(32) + s.to_bytes(32))


@pytest.fixture
def verifier(at: At) -> CheckinVerifier:
    return CheckinVerifier(CENTRAL.public_key().public_bytes_raw(), at(0))


def unix(moment: Instant) -> float:
    return moment.wall.timestamp()


def test_a_fresh_code_is_accepted_once(verifier: CheckinVerifier, at: At) -> None:
    text = token(unix(at(10))).encode()
    assert verifier.step(text, at(12)) == Accepted(SUBJECT.hex())
    assert verifier.step(text, at(13)) == Refused("replayed")
    assert verifier.counts == {"accepted": 1, "replayed": 1}


@pytest.mark.parametrize(
    ("issued", "seen", "reason"),
    [(10.0, 41.0, "expired"), (100.0, 90.0, "from_the_future"), (-1.0, 5.0, "before_start")],
)
def test_untimely_codes_are_refused(verifier: CheckinVerifier, at: At, issued: float, seen: float, reason: str) -> None:
    assert verifier.step(token(unix(at(issued))).encode(), at(seen)) == Refused(reason)  # type: ignore[arg-type]


def test_a_phone_a_little_ahead_is_accepted(verifier: CheckinVerifier, at: At) -> None:
    assert isinstance(verifier.step(token(unix(at(14))).encode(), at(10)), Accepted)


def test_an_expired_certificate_is_refused(verifier: CheckinVerifier, at: At) -> None:
    old = token(unix(at(10)), not_after=unix(at(9)))
    assert verifier.step(old.encode(), at(11)) == Refused("certificate_expired")


def test_the_wrong_keys_are_told_apart(verifier: CheckinVerifier, at: At) -> None:
    stranger = token(unix(at(10)), signer=Ed25519PrivateKey.generate())
    assert verifier.step(stranger.encode(), at(11)) == Refused("forged_certificate")
    stolen = token(unix(at(10)), phone=ec.generate_private_key(ec.SECP256R1()))
    assert verifier.step(stolen.encode(), at(11)) == Refused("forged_statement")


def test_a_clock_set_back_revives_nothing(verifier: CheckinVerifier, at: At) -> None:
    """An unused code of an hour ago, and the wall clock is set back by an hour."""
    old = token(unix(at(10))).encode()
    assert isinstance(verifier.step(token(unix(at(3600))).encode(), at(3605)), Accepted)
    assert verifier.step(old, at(3610, wall_shift=-3600)) == Refused("clock_went_back")


def test_a_clock_set_forward_only_refuses(verifier: CheckinVerifier, at: At) -> None:
    assert verifier.step(token(unix(at(10))).encode(), at(11, wall_shift=3600)) == Refused("expired")


def test_ten_thousand_forgeries_none_accepted(verifier: CheckinVerifier, at: At) -> None:
    """One flipped bit anywhere, cut, swapped halves, random bytes under the prefix."""
    draw = random.Random(5)
    good = token(unix(at(10)))
    raw = bytearray(good.certificate.encode() + good.issued_ms.to_bytes(8) + good.nonce + good.signature)
    accepted = 0
    for _ in range(10_000):
        forged = bytearray(raw)
        place = draw.randrange(len(forged) * 8)
        forged[place // 8] ^= 1 << (place % 8)
        accepted += isinstance(verifier.step(_text(bytes(forged)), at(11)), Accepted)
    assert accepted == 0
    for cut in range(len(raw)):
        assert isinstance(verifier.step(_text(bytes(raw[:cut])), at(11)), Refused)
    assert isinstance(verifier.step(good.encode(), at(11)), Accepted), "the original is still good"


def _text(raw: bytes) -> str:
    import base64

    return PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_ten_thousand_replays_none_accepted(verifier: CheckinVerifier, at: At) -> None:
    texts = [token(unix(at(10))).encode() for _ in range(20)]
    for text in texts:
        assert isinstance(verifier.step(text, at(11)), Accepted)
    again = [verifier.step(text, at(11 + n * 0.05)) for n in range(500) for text in texts]
    assert len(again) == 10_000
    assert {answer.reason for answer in again if isinstance(answer, Refused)} == {"replayed"}
    assert not any(isinstance(answer, Accepted) for answer in again)


@pytest.mark.parametrize("text", ["", PREFIX, PREFIX + "é", PREFIX + "A" * 268, "https://x/01/1", PREFIX + "=" * 9])
def test_what_is_no_token_is_refused(verifier: CheckinVerifier, at: At, text: str) -> None:
    assert isinstance(verifier.step(text, at(1)), Refused)


def test_a_full_replay_cache_refuses_rather_than_forgets() -> None:
    cache = ReplayCache(limit=2)
    assert cache.admit(b"a", 100, 0) == "new"
    assert cache.admit(b"b", 100, 0) == "new"
    assert cache.admit(b"c", 100, 0) == "full"
    assert cache.admit(b"a", 100, 0) == "known"
    assert cache.admit(b"c", 300, 101) == "new"
    assert len(cache) == 1
