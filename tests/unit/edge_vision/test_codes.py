"""What scanned texts mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codes import gtin_is_sound, product_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("https://id.gs1.org/01/04006381333931", "04006381333931"),
        ("https://shop.example/x/01/04006381333931/10/LOT?17=260101", "04006381333931"),
        ("http://shop.example/01/4006381333931", "4006381333931"),
        ("SKU-100.a", "SKU-100.a"),
        (" 4006381333931 ", "4006381333931"),
        ("https://id.gs1.org/01/04006381333932", None),
        ("https://id.gs1.org/8006/04006381333931", None),
        ("ftp://id.gs1.org/01/04006381333931", None),
        ("javascript://x/01/04006381333931", None),
        ("https://[::1/01/04006381333931", None),
        ("WIFI:S:net;P:secret;;", None),
        ("", None),
        ("x" * 65, None),
        ("https://a/" + "x" * 5000 + "/01/04006381333931", None),
    ],
)
def test_product_codes(text: str, code: str | None) -> None:
    assert product_code(text) == code


@given(st.integers(0, 10**13 - 1), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(number: int, change: int) -> None:
    body = f"{number:013d}"
    good = next(body + str(check) for check in range(10) if gtin_is_sound(body + str(check)))
    place = number % 14
    wrong = good[:place] + str((int(good[place]) + change) % 10) + good[place + 1 :]
    assert not gtin_is_sound(wrong)


@given(st.text(max_size=200))
def test_any_text_is_survived(text: str) -> None:
    code = product_code(text)
    assert code is None or 0 < len(code) <= 64
