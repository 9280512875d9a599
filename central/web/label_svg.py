"""A label as an SVG image, drawn from the same layout the edge rasterises (contract.label_layout)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import segno

from contract.commands import LabelContent
from contract.label_layout import FillBox, Ink, Layout, QrBox, TextBox, price_layout

_PAPER: Final = "#f4f2ec"
_INKS: Final[dict[Ink, str]] = {"black": "#17181a", "red": "#b3141f", "white": "#ffffff"}
_FONT: Final = "DejaVu Sans, Verdana, Arial, sans-serif"
_ELLIPSIS: Final = "…"
_NARROW: Final = frozenset("iljtfrI.,:;!'|()[] \u00a0·")
_WIDE: Final = frozenset("mwMW@%ЖШЩЮФМжшщюфмы₽")


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels of the glass."""

    width: int
    height: int


def render(content: LabelContent | None, *, personal: bool, width: int, height: int) -> str:
    """An SVG document of a label; without content, a blank sheet (nothing is known to be on the glass)."""
    size = Size(width, height)
    body = _blank(size) if content is None else _drawing(price_layout(content, personal=personal), size)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{_FONT}"><rect width="100%" height="100%" fill="{_PAPER}"/>{body}</svg>'
    )


def _blank(size: Size) -> str:
    return (
        f'<text x="{size.width / 2}" y="{size.height / 2}" text-anchor="middle" dominant-baseline="middle" '
        f'font-size="{size.height * 0.2:.0f}" fill="#8b8a84">?</text>'
    )


def _drawing(layout: Layout, size: Size) -> str:
    parts = [_fill(box, size) for box in layout.fills]
    parts += [_text(box, size) for box in layout.texts]
    parts += [_code(box, size) for box in layout.codes]
    return "".join(parts)


def _fill(box: FillBox, size: Size) -> str:
    return (
        f'<rect x="{box.x * size.width:.1f}" y="{box.y * size.height:.1f}" width="{box.width * size.width:.1f}" '
        f'height="{box.height * size.height:.1f}" fill="{_INKS[box.ink]}"/>'
    )


def estimated_width(text: str, font: float, *, bold: bool) -> float:
    """Pixels a line takes, within a few per cent for a sans face: the browser's fonts are not known here."""
    units = sum(_advance(char) for char in text)
    return units * font * (1.1 if bold else 1.0)


def drawable(text: str) -> str:
    """The text without control characters, which neither glass nor XML can hold."""
    return "".join(char if char.isprintable() or char == "\u00a0" else " " for char in text)


def _advance(char: str) -> float:
    if char in _NARROW:
        return 0.36
    if char in _WIDE:
        return 0.9
    return 0.7 if char.isupper() else 0.61


def fit(box: TextBox, size: Size) -> tuple[str, float, bool]:
    """The text, font size in pixels and whether it had to shrink: down to half, then cut with an ellipsis."""
    room, full = box.width * size.width, box.size * size.height
    text = drawable(box.text)
    needed = estimated_width(text, full, bold=box.bold)
    if needed <= room:
        return text, full, False
    if room / needed >= 0.5:
        return text, full * room / needed, True
    while text and estimated_width(text + _ELLIPSIS, full / 2, bold=box.bold) > room:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS, full / 2, True


def _text(box: TextBox, size: Size) -> str:
    text, font, shrunk = fit(box, size)
    room = box.width * size.width
    anchor, offset = {"left": ("start", 0.0), "right": ("end", room), "centre": ("middle", room / 2)}[box.align]
    attributes = {
        "x": f"{box.x * size.width + offset:.1f}",
        # The layout's y is the top of the line; the baseline of a sans face stands about 0.8 em below.
        "y": f"{box.y * size.height + 0.8 * font + (box.size * size.height - font) / 2:.1f}",
        "font-size": f"{font:.1f}",
        "fill": _INKS[box.ink],
        "text-anchor": anchor,
    }
    if box.bold:
        attributes["font-weight"] = "700"
    if box.struck:
        attributes["text-decoration"] = "line-through"
    if shrunk:
        attributes |= {"textLength": f"{room:.1f}", "lengthAdjust": "spacingAndGlyphs"}
    rendered = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<text {rendered}>{escape(text)}</text>"


def _code(box: QrBox, size: Size) -> str:
    code = segno.make(box.text, error="m", micro=False, boost_error=False)
    module = box.side(size.width, size.height) / code.symbol_size(border=0)[0]
    left, top = box.x * size.width, box.y * size.height
    runs = "".join(_runs(row, index) for index, row in enumerate(code.matrix))
    return (
        f'<path transform="translate({left:.2f} {top:.2f}) scale({module:.4f})" fill="{_INKS["black"]}" '
        f'shape-rendering="crispEdges" d="{runs}"/>'
    )


def _runs(row: bytes | bytearray, index: int) -> str:
    """One path step per horizontal run of dark modules."""
    steps, start = [], None
    for column, dark in enumerate([*row, 0]):
        if dark and start is None:
            start = column
        elif not dark and start is not None:
            steps.append(f"M{start} {index}h{column - start}v1h-{column - start}z")
            start = None
    return "".join(steps)
