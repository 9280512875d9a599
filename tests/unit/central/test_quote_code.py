"""A quote's code: checked without asking, never believed when a byte changed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.pricing.quote_code import Refused, SignedQuote, decode, encode, judge
from central.pricing.rules import quote_bytes

KEY = Ed25519PrivateKey.generate()
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIELDS: dict[str, object] = {
    "quote": "q1",
    "store": "shop",
    "visit": "v1",
    "sku": "HP-1",
    "price": 17_500,
    "public": 20_000,
    "currency": "EUR",
    "expires_at_ms": round(NOW.timestamp() * 1000),
}
CODE = encode(FIELDS, KEY.sign(quote_bytes(FIELDS)))


def _read() -> SignedQuote:
    found = decode(CODE, KEY.public_key())
    assert isinstance(found, SignedQuote)
    return found


def test_a_good_code_is_read() -> None:
    quote = _read()
    assert (quote.price, quote.sku, quote.expires_at) == (17_500, "HP-1", NOW)
    assert len(CODE) < 500  # fits a QR that a hand-held scanner reads


def test_none_of_ten_thousand_forgeries_is_believed() -> None:
    rng = random.Random(7)
    other = encode(FIELDS, Ed25519PrivateKey.generate().sign(quote_bytes(FIELDS)))
    assert decode(other, KEY.public_key()) == Refused("forged")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    for _ in range(10_000):
        text = list(CODE)
        for place in rng.sample(range(len(text)), rng.randint(1, 3)):
            text[place] = rng.choice(alphabet)
        found = decode("".join(text), KEY.public_key())
        # base64 has spare bits at the end of a part: another spelling of the same bytes is the same quote
        assert isinstance(found, Refused) or found == _read()


def test_a_till_that_cannot_ask_refuses_what_is_not_its_own_late_or_used() -> None:
    quote = _read()
    late = NOW + timedelta(minutes=15, seconds=1)
    used = frozenset({"q1"})
    none: frozenset[str] = frozenset()
    assert judge(quote, "shop", "HP-1", 20_000, NOW, none) == quote
    assert judge(quote, "other", "HP-1", 20_000, NOW, none) == Refused("other_store")
    assert judge(quote, "shop", "TV-1", 20_000, NOW, none) == Refused("other_sku")
    assert judge(quote, "shop", "HP-1", 20_000, late, none) == Refused("expired")
    assert judge(quote, "shop", "HP-1", 20_000, NOW, used) == Refused("used")
    assert judge(quote, "shop", "HP-1", 17_500, NOW, none) == Refused("not_cheaper")


def test_garbage_is_malformed() -> None:
    for text in ("", "VQ1", "VQ1..", "VQ1.é.x", "VQ2." + CODE[4:], "a.b.c", "VQ1.bnVsbA.bnVsbA", "VQ1.W10.W10"):
        assert isinstance(decode(text, KEY.public_key()), Refused)
