"""Rendered labels: exact size and colours, Cyrillic, long texts, whole prices, codes a phone reads."""

from __future__ import annotations

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from contract.commands import LabelContent
from contract.label_layout import format_price
from edge.labels.fonts import font, font_path
from edge.labels.render import ELLIPSIS, Glass, fit, render, render_without_price

LINK = "https://id.example.com/01/09506000134352"
PUBLIC = LabelContent(title="Wireless headphones", sku="NW-7", link=LINK, price=12990, currency="EUR")
PERSONAL = PUBLIC.model_copy(update={"price": 11490, "was": 12990, "disclosure": "Personal price, set automatically"})
RUSSIAN = LabelContent(
    title="Наушники беспроводные", subtitle="Полноразмерные", sku="NW-7", link=LINK, price=1149000, was=1299000,
    currency="RUB", language="ru", disclosure="Цена определена автоматически",
)  # fmt: skip
SIZES = [(296, 128), (400, 300), (152, 152), (384, 168)]


def ink_share(image: Image.Image, colour: tuple[int, int, int], part: tuple[float, float, float, float]) -> float:
    """Share of pixels of a colour within a part of the label (fractions)."""
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    left, top, right, bottom = part
    cut = pixels[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
    return float((cut == colour).all(axis=2).mean())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("content", [PUBLIC, PERSONAL, RUSSIAN])
def test_only_the_colours_of_the_glass_and_its_exact_size(content: LabelContent, size: tuple[int, int]) -> None:
    for personal in (False, content.was is not None):
        image = render(content, Glass(*size), personal=personal)
        assert image.size == size
        found = {tuple(colour) for colour in np.unique(np.asarray(image).reshape(-1, 3), axis=0).tolist()}
        assert found <= {(0, 0, 0), (255, 255, 255), (255, 0, 0)}
        assert (255, 0, 0) in found or not personal


def test_a_personal_label_is_told_apart_by_its_band_and_the_struck_price() -> None:
    public, personal = (render(PERSONAL, Glass(296, 128), personal=flag) for flag in (False, True))
    band = (0.0, 0.88, 1.0, 0.99)
    assert ink_share(personal, (255, 0, 0), band) > 0.6
    assert ink_share(public, (255, 0, 0), band) == 0
    assert ink_share(personal, (0, 0, 0), (0.7, 0.6, 0.99, 0.72)) > 0.05
    assert ink_share(render(PERSONAL, Glass(296, 128, ("black", "white")), personal=True), (0, 0, 0), band) > 0.6


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("link", [LINK, LINK + "/10/ABC123/21/12345?linkType=gs1:pip", "https://a.ru/" + "x" * 100])
def test_the_code_is_read_from_the_picture(size: tuple[int, int], link: str) -> None:
    for personal in (False, True):
        image = render(PERSONAL.model_copy(update={"link": link}), Glass(*size), personal=personal)
        # As a phone sees it: larger than the pixels.
        seen = image.convert("L").resize((size[0] * 3, size[1] * 3), Image.Resampling.NEAREST)
        read = [code.text for code in zxingcpp.read_barcodes(np.asarray(seen))]
        if size == (152, 152) and link != LINK:  # no room: none is better than one that no phone reads
            assert read == []
            assert ink_share(image, (0, 0, 0), (0.78, 0.0, 1.0, 0.5)) == 0
        else:
            assert read == [link]


def test_cyrillic_and_currency_signs_have_glyphs_of_their_own() -> None:
    missing = font(20, bold=False).getmask("\U0010ffff").getbbox(), bytes(font(20, bold=False).getmask("\U0010ffff"))
    for bold in (False, True):
        for char in "ЖЮёўҚ₽€₸£…№«":
            mask = font(20, bold=bold).getmask(char)
            assert (mask.getbbox(), bytes(mask)) != missing, char
    assert font_path(bold=True).is_file()


def test_a_long_title_shrinks_then_ends_in_an_ellipsis() -> None:
    short, same = fit("Headphones", 200, 16, bold=True)
    assert (short, same.size) == ("Headphones", 16)
    whole, smaller = fit("Northwind Aria 7 wireless headphones", 200, 16, bold=True)
    assert whole.endswith("headphones")
    assert 8 <= smaller.size < 16
    cut, least = fit("Наушники " * 9, 200, 16, bold=True)
    assert cut.endswith(ELLIPSIS)
    assert least.size == 8
    assert least.getlength(cut) <= 200


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**12), st.sampled_from(["RUB", "EUR", "CHF"]), st.sampled_from(SIZES))
def test_a_price_is_never_cut(price: int, currency: str, size: tuple[int, int]) -> None:
    """Everything left of the right edge of the price's box stays inside it, whatever the amount."""
    text, face = fit(format_price(price, currency), 0.57 * size[0], 0.24 * size[1], bold=True, cut=False)
    assert ELLIPSIS not in text
    assert face.getlength(text) <= 0.57 * size[0] + 1
    content = PUBLIC.model_copy(update={"price": price, "was": price, "currency": currency, "disclosure": "d"})
    render(content, Glass(*size), personal=True)


def test_without_a_known_price_none_is_shown() -> None:
    image = render_without_price(Glass(296, 128))
    assert image.size == (296, 128)
    assert 0.01 < ink_share(image, (0, 0, 0), (0, 0, 1, 1)) < 0.3
