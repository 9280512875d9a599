"""Colours people can read, labels as they are on the glass, libraries by the list."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.web import assets, label_svg
from central.web.pages.login import local
from contract.commands import LabelContent
from contract.label_layout import TextBox

CSS = (assets.STATIC / "css" / "base.css").read_text(encoding="utf-8")
# Text colour on ground; WCAG 2.1 AA wants 4.5.
PAIRS = [
    *itertools.product(("ink", "quiet"), ("bg", "surface", "sunken")),
    ("on-accent", "accent"),
    ("accent-ink", "accent-soft"),
    ("accent-ink", "surface"),
    ("good", "good-soft"),
    ("warn", "warn-soft"),
    ("bad", "bad-soft"),
]


def tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


LIGHT = tokens(CSS[: CSS.index("prefers-color-scheme: dark")])
DARK = LIGHT | tokens(CSS[CSS.index("prefers-color-scheme: dark") : CSS.index("*, *::before")])


def luminance(colour: str) -> float:
    """WCAG 2.1 relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("pair", PAIRS, ids="-on-".join)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(theme: dict[str, str], pair: tuple[str, str]) -> None:
    high, low = sorted((luminance(theme[name]) for name in pair), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_no_page_carries_inline_script_or_style() -> None:
    for template in (assets.HERE / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text), template.name
        assert not re.search(r"\s(style|on[a-z]+)=", text), template.name
        assert "hx-on" not in text, template.name


@given(
    title=st.text(min_size=1, max_size=80),
    price=st.integers(0, 10**9),
    personal=st.booleans(),
    size=st.sampled_from([(296, 128), (400, 300), (152, 152)]),
    link=st.sampled_from(["", "https://id.example/01/04600000000017"]),
)
def test_a_label_is_well_formed_whatever_it_says(
    title: str, price: int, personal: bool, size: tuple[int, int], link: str
) -> None:
    content = LabelContent(
        title=title, sku="S-1", price=price, was=price, currency="EUR", disclosure="<by & for you>", link=link
    )
    # XML 1.0 cannot hold control characters; nothing that is not drawn may reach the document either.
    root = ET.fromstring(label_svg.render(content, personal=personal, width=size[0], height=size[1]))
    assert root.get("viewBox") == f"0 0 {size[0]} {size[1]}"
    assert any("by & for you" in (text.text or "") for text in root.iter() if text.tag.endswith("text")) == personal


@given(text=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=80), bold=st.booleans())
def test_text_shrinks_to_half_and_then_is_cut(text: str, bold: bool) -> None:
    box = TextBox(text, 0.03, 0.06, 0.5, 0.125, bold=bold)
    shown, font, _shrunk = label_svg.fit(box, label_svg.Size(296, 128))
    assert 0.125 * 128 / 2 - 1e-9 <= font <= 0.125 * 128
    assert label_svg.estimated_width(shown, font, bold=bold) <= 0.5 * 296 + 1e-6
    assert shown == text or shown.endswith("…")


def test_missing_libraries_name_the_command(tmp_path: Path) -> None:
    gone = assets.missing(tmp_path)
    assert gone is not None
    assert assets.INSTALL in str(gone)
    assert "htmx.org/dist/htmx.min.js" in str(gone)


def test_only_listed_files_have_an_address(tmp_path: Path) -> None:
    package = tmp_path / "leaflet"
    (package / "dist").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": "1.2.3"}))
    (package / "dist" / "leaflet.js").write_text("//")
    (package / "secret.js").write_text("//")
    assert assets.vendor_file("leaflet@1.2.3", "leaflet.js", tmp_path) == package / "dist" / "leaflet.js"
    for folder, name in [
        ("leaflet@1.2.4", "leaflet.js"),
        ("leaflet", "leaflet.js"),
        ("leaflet@1.2.3", "secret.js"),
        ("leaflet@1.2.3", "../secret.js"),
        ("../leaflet@1.2.3", "leaflet.js"),
        ("axe-core@1.2.3", "axe.min.js"),
    ]:
        assert assets.vendor_file(folder, name, tmp_path) is None


def test_the_lock_names_no_host() -> None:
    assert "resolved" not in (assets.HERE / "package-lock.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nX: y"])
def test_after_signing_in_one_stays_on_this_site(target: str) -> None:
    assert local(target) == "/arrivals"
    assert local("/floor?store=a") == "/floor?store=a"
