"""A label as SVG, from the same layout the edge prints: what the page shows is what the glass shows."""

from __future__ import annotations

from xml.sax.saxutils import escape

import segno

from central.labels.schemas import LabelOut
from contract.label_layout import FillBox, QrBox, TextBox, price_layout

_INKS = {"black": "#111111", "red": "#c8102e", "white": "#ffffff"}
_ANCHORS = {"left": "start", "right": "end", "centre": "middle"}
_NARROW = 0.55
"""Width of an average letter as a share of its height, to shrink a line that would not fit."""


def svg(label: LabelOut) -> str:
    """What the label shows now; an empty one when nothing is confirmed yet."""
    width, height = label.width_px, label.height_px
    parts = [f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    if label.content is not None:
        layout = price_layout(label.content, personal=label.variant == "personal")
        parts += [_fill(box, width, height) for box in layout.fills]
        parts += [_text(box, width, height) for box in layout.texts]
        parts += [_code(box, width, height) for box in layout.codes]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(label.id)}">{"".join(parts)}</svg>'
    )


def _fill(box: FillBox, width: int, height: int) -> str:
    return (
        f'<rect x="{box.x * width:.1f}" y="{box.y * height:.1f}" width="{box.width * width:.1f}"'
        f' height="{box.height * height:.1f}" fill="{_INKS[box.ink]}"/>'
    )


def _text(box: TextBox, width: int, height: int) -> str:
    room = box.width * width
    size = box.size * height
    fitted = max(size / 2, min(size, room / max(1, len(box.text)) / _NARROW))
    letters = int(room / (fitted * _NARROW))
    text = box.text if len(box.text) <= letters else box.text[: max(1, letters - 1)] + "…"
    x = {"left": box.x, "right": box.x + box.width, "centre": box.x + box.width / 2}[box.align] * width
    weight = ' font-weight="bold"' if box.bold else ""
    struck = ' text-decoration="line-through"' if box.struck else ""
    return (
        f'<text x="{x:.1f}" y="{box.y * height + size * 0.8:.1f}" font-size="{fitted:.1f}" fill="{_INKS[box.ink]}"'
        f' font-family="sans-serif" text-anchor="{_ANCHORS[box.align]}"{weight}{struck}>{escape(text)}</text>'
    )


def _code(box: QrBox, width: int, height: int) -> str:
    side = box.size * height
    matrix = segno.make_qr(box.text, error="m").matrix
    module = side / len(matrix)
    squares = "".join(
        f"M{column * module:.2f},{row * module:.2f}h{module:.2f}v{module:.2f}h-{module:.2f}z"
        for row, line in enumerate(matrix)
        for column, dark in enumerate(line)
        if dark
    )
    return f'<path transform="translate({box.x * width:.1f},{box.y * height:.1f})" d="{squares}" fill="#111111"/>'
