"""One spelling and one scale for a unit, whatever the feed wrote: "0,25 кг" and "250 g" are the same weight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Scale = tuple[str, float]
"""(unit we keep, factor to it)."""

_SPELLINGS: Final = {
    ("g", 1.0): "g gr gram grams г гр грамм грамма граммов",
    ("g", 1000.0): "kg kgs kilogram kilograms кг килограмм килограмма килограммов",
    ("g", 0.001): "mg мг",
    ("g", 28.349523125): "oz ounce ounces унция унции",
    ("g", 453.59237): "lb lbs pound pounds фунт",
    ("mm", 1.0): "mm мм millimeter millimeters миллиметр",
    ("mm", 10.0): "cm см centimeter centimeters сантиметр",
    ("mm", 1000.0): "m м meter meters metre metres метр метра метров",
    ("mm", 25.4): 'in inch inches " ″ дюйм дюйма дюймов',
    ("Hz", 1.0): "hz гц hertz герц",
    ("Hz", 1e3): "khz кгц",
    ("Hz", 1e6): "mhz мгц",
    ("Hz", 1e9): "ghz ггц",
    ("dB", 1.0): "db дб decibel decibels децибел дба dba",
    ("h", 1.0): "h hr hrs hour hours ч час часа часов",
    ("h", 1 / 60): "min mins minute minutes мин минута минуты минут",
    ("h", 24.0): "day days день дня дней сутки",
    ("ms", 1.0): "ms мс",
    ("ms", 1000.0): "s sec second seconds с сек секунда секунды секунд",
    ("W", 1.0): "w watt watts вт ватт",
    ("W", 1000.0): "kw квт",
    ("W", 0.001): "mw мвт",
    ("V", 1.0): "v volt volts в вольт",
    ("A", 1.0): "a amp amps а ампер",
    ("mAh", 1.0): "mah мач ма·ч ма*ч",
    ("mAh", 1000.0): "ah ач а·ч",
    ("Wh", 1.0): "wh вт·ч втч",
    ("l", 1.0): "l liter liters litre litres л литр литра литров",
    ("l", 0.001): "ml мл",
    ("MB", 1.0): "mb мб",
    ("MB", 1024.0): "gb гб",
    ("MB", 1048576.0): "tb тб",
    ("MB/s", 1.0): "mb/s мб/с",
    ("Mbit/s", 1.0): "mbit/s mbps мбит/с",
    ("Ohm", 1.0): "ohm ohms ω ом",
    ("px", 1.0): "px pixel pixels пикс пиксель пикселей",
    ("Mpx", 1.0): "mp mpx megapixel megapixels мп мпикс",
    ("cd/m2", 1.0): "nit nits cd/m2 cd/m² кд/м2 кд/м²",
    ("°", 1.0): "° deg degree degrees град градус градусов",
    ("°C", 1.0): "°c ℃",
    ("%", 1.0): "% percent процент процентов",
    ("rpm", 1.0): "rpm об/мин",
    ("bar", 1.0): "bar бар",
    ("pcs", 1.0): "pcs pc pieces шт шт. штук",
    ("m2", 1.0): "m2 m² м2 м² sqm",
}
UNITS: Final[Mapping[str, Scale]] = MappingProxyType(
    {spelling: scale for scale, spellings in _SPELLINGS.items() for spelling in spellings.split()}
)
_NUMBER: Final = r"[-+−]?(?:\d{1,3}(?:[ \u00a0\u202f]\d{3}){1,4}|\d{1,15})(?:[.,]\d{1,15})?"
_NAMED: Final = re.compile(r"(?P<name>.+?)(?:\s*,\s*|\s*[(\[]\s*|_)(?P<unit>[^\s,()\[\]_]+)[)\]]?")
_WHOLE: Final = re.compile(rf"\s*{_NUMBER}\s*")
_MEASURE: Final = re.compile(rf"\s*({_NUMBER})\s*(\D.{{0,30}})?\s*")


def unit(text: str) -> Scale | None:
    """The kept unit and the factor to it; None for a unit we do not know. Case tells mW from MW only roughly."""
    word = text.strip().rstrip(".").casefold()
    if text.strip() == "MW":
        return ("W", 1e6)
    return UNITS.get(word) or UNITS.get(text.strip().casefold())


def in_name(name: str) -> tuple[str, Scale] | None:
    """A parameter's name with its unit: "weight_g", "Вес, г", "Weight (kg)"; None when there is no unit in it."""
    found = _NAMED.fullmatch(name.strip())
    scale = unit(found["unit"]) if found else None
    return None if found is None or scale is None else (found["name"].replace("_", " ").strip(), scale)


def number(text: str) -> float | None:
    """A number as people write it: "1 500", "0,25", "−3"; None when it is none."""
    if not _WHOLE.fullmatch(text):
        return None
    return float("".join(text.split()).replace(",", ".").replace("−", "-"))


def measure(text: str) -> tuple[float, str] | None:
    """Number and the unit written behind it ("" when none); None when the text is no such thing."""
    found = _MEASURE.fullmatch(text)
    value = number(found[1]) if found else None
    return None if found is None or value is None else (value, (found[2] or "").strip())
