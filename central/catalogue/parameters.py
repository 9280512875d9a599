"""Parameters of products: a value in a kept unit, with the text it came as. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from central.catalogue import units

if TYPE_CHECKING:
    from central.catalogue.tables import Product

_YES: Final = frozenset({"yes", "true", "есть", "да", "+"})
_NO: Final = frozenset({"no", "false", "нет", "-", "—"})
_DIGITS: Final = 10


class Parameter(BaseModel):
    """`value` in `unit` (None: a bare number or words); `text` is what the retailer wrote."""

    model_config = ConfigDict(frozen=True)

    value: float | bool | str
    unit: str | None = None
    text: str


def parse(value: object, unit: str | None = None) -> Parameter:
    """From a feed's text, with the unit beside it or within it."""
    if isinstance(value, bool):
        return Parameter(value=value, text="yes" if value else "no")
    if isinstance(value, int | float):
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return _measured(float(value), unit or "", f"{text} {unit}" if unit else text)
    return _words(" ".join(str(value).split()), unit)


@lru_cache(maxsize=20_000)
def _words(words: str, unit: str | None) -> Parameter:
    """A feed says the same few things again and again."""
    if unit:
        amount = units.number(words)
        whole = f"{words} {unit}"
        return _measured(amount, unit, whole) if amount is not None else Parameter(value=words, text=whole)
    if words.casefold() in _YES | _NO:
        return Parameter(value=words.casefold() in _YES, text=words)
    found = units.measure(words)
    if found is None or (found[1] and units.unit(found[1]) is None):
        return Parameter(value=words, text=words)
    return _measured(found[0], found[1], words)


def _measured(value: float, unit: str, text: str) -> Parameter:
    known = units.unit(unit) if unit else None
    if known is None:
        return Parameter(value=value, unit=unit or None, text=text)
    kept, factor = known
    return Parameter(value=float(f"{value * factor:.{_DIGITS}g}"), unit=kept, text=text)


def read(stored: Mapping[str, object]) -> dict[str, Parameter]:
    """What a product's row holds; rows written before units were kept hold bare values."""
    found = {}
    for name, value in stored.items():
        if isinstance(value, dict):
            found[name] = Parameter.model_validate(value)
        else:
            found[name] = parse(value)
    return found


def write(given: Mapping[str, Parameter]) -> dict[str, object]:
    """As a row keeps them."""
    return {name: parameter.model_dump() for name, parameter in given.items()}


def numeric(product: Product) -> dict[str, float]:
    """Parameters that can be compared, in their kept units; yes and no are 1 and 0."""
    return {
        name: float(parameter.value)
        for name, parameter in read(product.parameters).items()
        if not isinstance(parameter.value, str)
    }
