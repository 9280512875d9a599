"""A check-in code read at the door: our verification beside the bare signature checks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from measure import Result, cpu_ms, lower_is_better

from contract.checkin import Certificate, CheckinToken
from edge.checkin import Accepted, CheckinVerifier
from edge.values import Instant

CODES, ROUNDS = 200, 7
START = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> Iterator[Result]:
    """Milliseconds of CPU for one code; every round has codes never seen before, for a replay ends early."""
    central, phone = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    point = phone.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    plain = Certificate(bytes(range(16)), point, int((START + timedelta(days=1)).timestamp()))
    paper = replace(plain, signature=central.sign(plain.signed_part()))
    tokens = [_token(paper, phone) for _ in range(CODES * ROUNDS)]
    texts = iter([token.encode() for token in tokens])
    verifier = CheckinVerifier(central.public_key().public_bytes_raw(), Instant(0, START))
    issuer, cached = central.public_key(), phone.public_key()
    bare_tokens = tokens[:CODES]
    now, turns = Instant(2, START + timedelta(seconds=2)), count()

    def ours() -> None:
        for _ in range(CODES):
            if not isinstance(verifier.step(next(texts), now), Accepted):
                raise RuntimeError(f"a good code was refused in round {next(turns)}")

    def with_key() -> None:
        """What any verifier of this token must do: load the phone's key from the code, check both signatures."""
        for token in bare_tokens:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), token.certificate.phone_key)
            _signatures(issuer, key, token)

    def bare() -> None:
        for token in bare_tokens:
            _signatures(issuer, cached, token)

    yield lower_is_better(
        "check-in verification",
        "ms/code",
        {
            "ours": lambda: cpu_ms(ours) / CODES,
            "peer": lambda: cpu_ms(with_key) / CODES,
            "limit": lambda: cpu_ms(bare) / CODES,
        },
        "both signatures with the key out of the code, no parsing, no replay guard",
        "both signatures alone, keys ready",
        rounds=ROUNDS,
    )


def _token(paper: Certificate, phone: ec.EllipticCurvePrivateKey) -> CheckinToken:
    issued = int((START + timedelta(seconds=1)).timestamp() * 1000)
    plain = CheckinToken(paper, issued, os.urandom(8), b"")
    r, s = decode_dss_signature(phone.sign(plain.signed_part(), ec.ECDSA(SHA256())))
    return replace(plain, signature=r.to_bytes(32) + s.to_bytes(32))


def _signatures(issuer: Ed25519PublicKey, key: ec.EllipticCurvePublicKey, token: CheckinToken) -> None:
    issuer.verify(token.certificate.signature, token.certificate.signed_part())
    r, s = int.from_bytes(token.signature[:32]), int.from_bytes(token.signature[32:])
    key.verify(encode_dss_signature(r, s), token.signed_part(), ec.ECDSA(SHA256()))
