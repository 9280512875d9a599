"""A price label as an image in the label's own colours, from the layout of contract.label_layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import segno
from PIL import Image, ImageDraw, ImageFont

from contract.commands import LabelContent
from contract.label_layout import FillBox, Ink, Layout, QrBox, TextBox, format_price, price_layout
from edge.labels.fonts import font

ELLIPSIS = "…"
LEAST_TEXT_PX = 8.0
"""Smaller letters fall apart on electronic paper of about 110 dots an inch."""

_RGB: dict[Ink, tuple[int, int, int]] = {"black": (0, 0, 0), "white": (255, 255, 255), "red": (255, 0, 0)}
_BASELINE = 0.8
_CODE_LEFT, _CODE_RIGHT = 0.745, 0.98
_CODE_TALLEST = 0.53
_LEAST_MODULE_PX = 1.2
_ASK = {"en": "Please ask for the price", "ru": "Цену уточните у продавца"}


@dataclass(frozen=True, slots=True)
class Glass:
    """A label's size in pixels and the colours it has."""

    width: int
    height: int
    colours: Sequence[str] = ("black", "white", "red")

    def ink(self, wanted: Ink) -> tuple[int, int, int]:
        """The colour to draw with: black where the glass has no red."""
        return _RGB[wanted if wanted in self.colours else "black"]


def render(content: LabelContent, glass: Glass, *, personal: bool) -> Image.Image:
    """RGB image of exactly the glass's size."""
    prices = [format_price(price, content.currency) for price in (content.price, content.was) if price is not None]
    return _draw(price_layout(content, personal=personal), glass, frozenset([*prices, content.disclosure]))


def render_without_price(glass: Glass) -> Image.Image:
    """For a label whose public content is not known: no price is better than a wrong one."""
    lines = tuple(TextBox(text, 0.05, 0.3 + 0.25 * row, 0.9, 0.14) for row, text in enumerate(_ASK.values()))
    return _draw(Layout((), lines, ()), glass)


def _draw(layout: Layout, glass: Glass, never_cut: frozenset[str] = frozenset()) -> Image.Image:
    image = Image.new("RGB", (glass.width, glass.height), _RGB["white"])
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"  # no grey edges: the glass has no grey, and rounding them off later eats thin strokes
    for fill in layout.fills:
        _fill(draw, fill, glass)
    for text in layout.texts:
        _text(draw, text, glass, cut=text.text not in never_cut)
    for code in layout.codes:
        _code(image, code, glass)
    return image


def _fill(draw: ImageDraw.ImageDraw, box: FillBox, glass: Glass) -> None:
    left, top = round(box.x * glass.width), round(box.y * glass.height)
    right, bottom = round((box.x + box.width) * glass.width) - 1, round((box.y + box.height) * glass.height) - 1
    draw.rectangle((left, top, right, bottom), fill=glass.ink(box.ink))


def fit(
    text: str, room_px: float, size_px: float, *, bold: bool, cut: bool = True
) -> tuple[str, ImageFont.FreeTypeFont]:
    """The text and face that fit into `room_px`: shrunk down to half, then cut with an ellipsis.

    With `cut` off (a price, a disclosure) it shrinks as far as it must: half a price is a wrong price.
    """
    least = max(size_px / 2, min(size_px, LEAST_TEXT_PX)) if cut else 4.0
    face = font(size_px, bold=bold)
    needed = face.getlength(text)
    if needed <= room_px:
        return text, face
    size = max(least, size_px * room_px / needed)
    while size > least and font(size, bold=bold).getlength(text) > room_px:
        size -= 0.5
    face = font(max(size, least), bold=bold)
    if face.getlength(text) <= room_px:
        return text, face
    kept = text
    while kept and face.getlength(kept.rstrip() + ELLIPSIS) > room_px:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS, face


def _text(draw: ImageDraw.ImageDraw, box: TextBox, glass: Glass, *, cut: bool) -> None:
    room, size = box.width * glass.width, box.size * glass.height
    text, face = fit(box.text, room, size, bold=box.bold, cut=cut)
    length = face.getlength(text)
    slack = {"left": 0.0, "right": room - length, "centre": (room - length) / 2}[box.align]
    left = round(box.x * glass.width + slack)
    baseline = round(box.y * glass.height + _BASELINE * face.size + (size - face.size) / 2)
    draw.text((left, baseline), text, font=face, fill=glass.ink(box.ink), anchor="ls")
    if box.struck:
        middle = baseline - round(face.size * 0.27)
        thick = max(1, round(face.size / 12))
        draw.line((left - 1, middle, left + length + 1, middle), fill=glass.ink(box.ink), width=thick)


def _code(image: Image.Image, box: QrBox, glass: Glass) -> None:
    """The code with whole pixels to a module where the glass allows it, so that a phone reads it."""
    matrix = segno.make(box.text, error="l", micro=False, boost_error=False).matrix
    modules = len(matrix)
    most = min(_CODE_TALLEST * glass.height, (_CODE_RIGHT - _CODE_LEFT) * glass.width)
    if most / modules < _LEAST_MODULE_PX:
        return  # nothing would read it: the place stays white
    whole = int(most // modules)
    side = modules * whole if whole >= 2 else round(most)
    code = Image.new("L", (modules, modules), 255)
    code.putdata([0 if dark else 255 for row in matrix for dark in row])
    left = min(round(box.x * glass.width), round(_CODE_RIGHT * glass.width) - side)
    image.paste(code.resize((side, side), Image.Resampling.NEAREST), (left, round(box.y * glass.height)))
