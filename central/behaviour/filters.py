"""Filters and sorting as sites write them, brought to one form. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Setting = dict[str, object]
"""`{"values": [..]}`, or `{"min": number, "max": number}` with either end left out."""
PRICE = frozenset({"price", "цена", "стоимость", "cost"})
_NUMBER = r"[^\d<>-]{0,3}(\d+(?:[.,]\d+)?)\D{0,4}"
_BETWEEN = re.compile(rf"^{_NUMBER}(?:-|–|\.\.|to|до){_NUMBER}$", re.IGNORECASE)
_BELOW = re.compile(rf"^(?:<=?|under|below|up to|до|max)[\s-]*{_NUMBER}$", re.IGNORECASE)
_ABOVE = re.compile(rf"^(?:>=?|over|above|from|от|min)[\s-]*{_NUMBER}$", re.IGNORECASE)
_MOST_VALUES, _LONGEST = 20, 60


def setting(item: Mapping[str, object]) -> tuple[str, Setting] | None:
    """Parameter and what it is set to; None for an item that sets nothing."""
    name = item.get("type", item.get("parameter", item.get("name")))
    if not isinstance(name, str) or not name.strip():
        return None
    found = _range(item) or _values(item.get("value", item.get("values")))
    return (name.strip()[:_LONGEST], found) if found else None


def in_force(items: Sequence[Mapping[str, object]]) -> dict[str, Setting]:
    """All filters of an event; several values of one parameter are joined."""
    found: dict[str, Setting] = {}
    for item in items:
        ready = setting(item)
        if ready is None:
            continue
        name, new = ready
        before = found.get(name, {}).get("values")
        values = new.get("values")
        if isinstance(before, list) and isinstance(values, list):
            new = {"values": [*before, *(value for value in values if value not in before)][:_MOST_VALUES]}
        found[name] = {**found.get(name, {}), **new}
    return found


def sort_of(items: Sequence[Mapping[str, object]]) -> str | None:
    """The first sort order, as "parameter direction"."""
    for item in items:
        words = [item.get("type"), item.get("value")]
        text = " ".join(word.strip().lower() for word in words if isinstance(word, str) and word.strip())
        if text:
            return text[:_LONGEST]
    return None


def is_price(parameter: str) -> bool:
    """Whether a parameter is the price."""
    return parameter.casefold() in PRICE


def _range(item: Mapping[str, object]) -> Setting | None:
    inner = item.get("value")
    place = inner if isinstance(inner, Mapping) else item
    ends = {"min": _number(place.get("min", place.get("from"))), "max": _number(place.get("max", place.get("to")))}
    found: Setting = {name: end for name, end in ends.items() if end is not None}
    return found or (_written(inner) if isinstance(inner, str) else None)


def _written(text: str) -> Setting | None:
    text = text.strip()
    if match := _BETWEEN.match(text):
        low, high = sorted(_read(part) for part in match.groups())
        return {"min": low, "max": high}
    if match := _BELOW.match(text):
        return {"max": _read(match.group(1))}
    if match := _ABOVE.match(text):
        return {"min": _read(match.group(1))}
    return None


def _values(value: object) -> Setting | None:
    items = value if isinstance(value, list) else [value]
    found: list[object] = []
    for item in items[:_MOST_VALUES]:
        ready = item.strip()[:_LONGEST] if isinstance(item, str) else item
        if isinstance(ready, str | int | float | bool) and ready != "" and ready not in found:
            found.append(ready)
    return {"values": found} if found else None


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _read(value) if re.fullmatch(r"\d+(?:[.,]\d+)?", value.strip()) else None
    if isinstance(value, int | float) and 0 <= value <= 1e12:
        return float(value)
    return None


def _read(text: str) -> float:
    return float(text.strip().replace(",", "."))
