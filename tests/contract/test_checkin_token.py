"""The QR token's layout: what is written is read back, anything else is refused with the part that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.checkin import Certificate, CheckinToken, TokenError, is_checkin, parse_token


def token(seed: int = 7) -> CheckinToken:
    certificate = Certificate(bytes([seed] * 16), b"\x02" + bytes([seed] * 32), 1_800_000_000, bytes([seed] * 64))
    return CheckinToken(certificate, 1_763_800_000_123, bytes([seed] * 8), bytes([seed] * 64))


def test_round_trip_and_size() -> None:
    text = token().encode()
    assert parse_token(text) == token()
    assert len(text) <= 280, "fits QR version 10-L in byte mode"
    assert parse_token(text).certificate.subject_id == "07" * 16


def test_both_signatures_cover_different_domains() -> None:
    one = token()
    assert one.signed_part().startswith(b"vitrina/checkin/v1")
    assert one.certificate.signed_part().startswith(b"vitrina/checkin-certificate/v1")
    assert one.certificate.encode() in one.signed_part(), "a statement cannot be moved under another certificate"


def test_product_codes_are_not_tokens() -> None:
    assert not is_checkin("https://id.gs1.org/01/04600000000404")
    with pytest.raises(TokenError, match="prefix"):
        parse_token("https://id.gs1.org/01/04600000000404")


@pytest.mark.parametrize(
    ("text", "part"), [("VITRINA1.", "length"), ("VITRINA1.!!!!", "encoding"), ("VITRINA1.QUJD", "length")]
)
def test_broken_tokens(text: str, part: str) -> None:
    with pytest.raises(TokenError, match=part):
        parse_token(text)


@given(st.text(max_size=300))
def test_no_text_raises_anything_but_a_token_error(text: str) -> None:
    for candidate in (text, "VITRINA1." + text):
        with pytest.raises(TokenError):
            parse_token(candidate)
