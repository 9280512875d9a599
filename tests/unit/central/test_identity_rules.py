"""Identifiers brought to one form, and values that stand for nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.identity.rules import RULES, card, mail, phone, plain


@pytest.mark.parametrize(
    "written",
    [
        "+7 (916) 123-45-67",
        "8 916 123 45 67",
        "9161234567",
        "007 916 1234567",
        "tel:+79161234567",
        "+7\u2011916\u20111234567",
    ],
)
def test_one_phone_however_it_is_written(written: str) -> None:
    assert phone(written) == "+79161234567"


@pytest.mark.parametrize(
    "written", ["", "123", "0000000", "+70000000000", "1234567890", "call me", "1" * 16, "+7916CALLME1"]
)
def test_what_is_no_phone(written: str) -> None:
    assert phone(written) is None


def test_mail() -> None:
    assert mail("  Anna.K@Shop.RU ") == "anna.k@shop.ru"
    assert mail("anna.k@shop.ru") != mail("annak@shop.ru")
    for nobody in ("test@shop.ru", "noreply@shop.ru", "a@example.com", "x@mail.test.com", "anna", "anna@", "@shop.ru",
                   "anna@shop", "an na@shop.ru", "a@b@shop.ru", "none@none"):  # fmt: skip
        assert mail(nobody) is None, nobody


def test_cards_and_opaque_ids() -> None:
    assert card("2200-1234 5678") == card("220012345678") == "220012345678"
    for nobody in ("0000000", "1111 1111", "12345678", "9876543210", "", "12", "none"):
        assert card(nobody) is None, nobody
    for nobody in ("null", "UNDEFINED", " ", "0", "00000000-0000-0000-0000-000000000000", "test"):
        assert plain(nobody) is None, nobody
    assert plain(" 7e1f0c52 ") == "7e1f0c52"


@given(st.sampled_from(sorted(RULES)), st.text(max_size=30))
def test_any_text_has_a_form_or_none_and_the_form_is_stable(kind: str, text: str) -> None:
    normal = RULES[kind].normalise(text)  # type: ignore[index]
    assert normal is None or RULES[kind].normalise(normal) == normal  # type: ignore[index]
