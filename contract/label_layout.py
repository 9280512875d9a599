"""The price template as data: where each field stands on a label of a given size.

The edge rasterises it, central's label page draws the same layout as SVG: what the page shows is what the
glass shows. Coordinates are fractions of width and height; `size` is the text height as a fraction of the label height.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contract.commands import LabelContent

Ink = Literal["black", "red", "white"]
Align = Literal["left", "right", "centre"]

MARGIN = 0.02
"""Free edge on the right, as a fraction of the width."""


@dataclass(frozen=True, slots=True)
class TextBox:
    """One line of text; it shrinks to the width and is cut with an ellipsis below `size / 2`."""

    text: str
    x: float
    y: float
    width: float
    size: float
    ink: Ink = "black"
    bold: bool = False
    align: Align = "left"
    struck: bool = False


@dataclass(frozen=True, slots=True)
class QrBox:
    """A QR code in a square of `size` times the label's height, or of what is left to the right margin if less."""

    text: str
    x: float
    y: float
    size: float

    def side(self, width: int, height: int) -> float:
        """Pixels of one side on glass of this size: a code that runs off the glass cannot be read."""
        return min(self.size * height, (1.0 - MARGIN - self.x) * width)


@dataclass(frozen=True, slots=True)
class FillBox:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    ink: Ink


@dataclass(frozen=True, slots=True)
class Layout:
    """What to draw, in order."""

    fills: tuple[FillBox, ...]
    texts: tuple[TextBox, ...]
    codes: tuple[QrBox, ...]


_SYMBOLS = {"RUB": "₽", "EUR": "€", "USD": "$", "GBP": "£", "KZT": "₸"}
_PERSONAL = {"en": "Your price", "ru": "Ваша цена"}


def format_price(minor: int, currency: str) -> str:
    """Amount in minor units as people read it: `12 990 ₽`, `129.90 €`; thousands with a no-break space."""
    whole, cents = divmod(minor, 100)
    digits = f"{whole:,}".replace(",", "\u00a0")
    amount = digits if cents == 0 else f"{digits}.{cents:02d}"
    return f"{amount}\u00a0{_SYMBOLS.get(currency, currency)}"


def price_layout(content: LabelContent, *, personal: bool) -> Layout:
    """Lay out a price label. A personal one carries a red band, the struck public price and the disclosure."""
    text_width = 0.70 if content.link else 0.94
    price_width = 0.57 if personal else text_width
    texts = [
        TextBox(content.title, 0.03, 0.06, text_width, 0.125, bold=True),
        TextBox(content.subtitle, 0.03, 0.23, text_width, 0.085),
        *(TextBox(line, 0.03, 0.35 + 0.1 * row, text_width, 0.07) for row, line in enumerate(content.lines[:2])),
        TextBox(format_price(content.price, content.currency), 0.03, 0.56, price_width, 0.24, bold=True),
    ]
    fills: list[FillBox] = []
    if personal:
        fills.append(FillBox(0.0, 0.865, 1.0, 0.135, "red"))
        texts.append(TextBox(content.disclosure, 0.03, 0.895, 0.94, 0.075, ink="white"))
        texts.append(TextBox(_PERSONAL[content.language], 0.74, 0.72, 0.24, 0.085, ink="red", bold=True, align="right"))
        if content.was is not None:
            was = format_price(content.was, content.currency)
            texts.append(TextBox(was, 0.62, 0.60, 0.36, 0.085, align="right", struck=True))
    else:
        texts.append(TextBox(content.sku, 0.03, 0.89, 0.5, 0.07))
    codes = (QrBox(content.link, 0.78, 0.06, 0.48),) if content.link else ()
    return Layout(tuple(fills), tuple(text for text in texts if text.text), codes)
