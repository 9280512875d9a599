"""The label template: what must be on the glass is laid out, inside the glass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.commands import LabelContent
from contract.label_layout import format_price, price_layout

BASE = LabelContent(
    title="Aurora 40", sku="HP-040", price=899050, was=999000, currency="RUB", disclosure="Personal price"
)


def test_a_personal_label_shows_price_public_price_and_disclosure() -> None:
    texts = {box.text: box for box in price_layout(BASE, personal=True).texts}
    assert "8\u00a0990.50\u00a0₽" in texts
    assert texts["9\u00a0990\u00a0₽"].struck
    assert "Personal price" in texts


def test_a_public_label_has_neither_disclosure_nor_struck_price() -> None:
    boxes = price_layout(BASE.model_copy(update={"was": None, "disclosure": ""}), personal=False).texts
    assert not any(box.struck for box in boxes)
    assert not any(box.ink == "red" for box in boxes)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "EUR", "0\u00a0€"),
        (5, "USD", "0.05\u00a0$"),
        (123456700, "RUB", "1\u00a0234\u00a0567\u00a0₽"),
        (100, "JPY", "1\u00a0JPY"),
    ],
)
def test_prices_read_as_people_write_them(minor: int, currency: str, text: str) -> None:
    assert format_price(minor, currency) == text


@given(personal=st.booleans(), link=st.booleans(), lines=st.integers(0, 4))
def test_everything_stays_on_the_glass(personal: bool, link: bool, lines: int) -> None:
    content = BASE.model_copy(update={"link": "https://x.example" if link else "", "lines": ("spec",) * lines})
    layout = price_layout(content, personal=personal)
    for box in layout.texts:
        assert box.x >= 0
        assert box.x + box.width <= 1.0
        assert box.y + box.size <= 1.0
    for fill in layout.fills:
        assert fill.x + fill.width <= 1.0
        assert fill.y + fill.height <= 1.0 + 1e-9
    assert len(layout.codes) == int(link)
