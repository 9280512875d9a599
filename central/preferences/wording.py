"""Reasons in words that name the figures, English and Russian. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, get_currency_precision

from central.catalogue.schemas import Availability
from central.preferences.lexicon import Direction, Language, Lexicon

_RUSSIAN_UNITS: Final = {
    "g": "г",
    "mm": "мм",
    "Hz": "Гц",
    "dB": "дБ",
    "h": "ч",
    "W": "Вт",
    "MB": "МБ",
    "l": "л",
    "ms": "мс",
    "Ohm": "Ом",
    "mAh": "мА·ч",
    "px": "пикс",
    "cd/m2": "кд/м²",
    "V": "В",
    "A": "А",
}
_LARGER: Final = {"g": (2000, 1000, "kg", "кг"), "MB": (1024, 1024, "GB", "ГБ"), "mm": (1000, 10, "cm", "см")}
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "than": "{value}, {difference} {word} than {title}",
        "asked_less": "{name} {value}, asked for {limit} or less",
        "asked_more": "{name} {value}, asked for {limit} or more",
        "same": "{value}, as {title}",
        "missed": "not {word} than {title}: {value} against {other}",
        "missed_limit": "{name} {value}, outside the limit of {limit}",
        "no_figure": "no figure for {name}",
        "liked": "{name} {value} (usual {usual}): {word} suits this taste",
        "liked_here": "liked by {good} of {all} who tried it",
        "yes": "{word}",
        "missing_flag": "not: {word}",
        "over": "{price}, over the limit",
        "below": "{price}, below the limit",
        "here": "in stock here",
        "here_n": "in stock here: {count}",
        "delivery": "delivered by {day}",
        "delivery_asked": "by delivery",
        "elsewhere": "in stock at {outlet}",
        "online": "sold online only",
        "online_by": "sold online only, delivered by {day}",
        "none": "not to be had now",
        "more": "more {name}",
        "less": "less {name}",
        "price_than": "{value}, {difference} {word} than {title}",
    },
    "ru": {
        "than": "{value}, на {difference} {word}, чем {title}",
        "same": "{value}, как {title}",
        "asked_less": "{name} {value}, просили не больше {limit}",
        "asked_more": "{name} {value}, просили не меньше {limit}",
        "missed": "не {word}, чем {title}: {value} против {other}",
        "missed_limit": "{name} {value}, предел {limit}",
        "no_figure": "нет данных: {name}",
        "liked": "{name} {value} (обычно {usual}): {word} — по вкусу",
        "liked_here": "понравилось {good} из {all} попробовавших",
        "yes": "{word}",
        "missing_flag": "не подходит: {word}",
        "over": "{price}, дороже предела",
        "below": "{price}, дешевле предела",
        "here": "есть в этом магазине",
        "here_n": "есть в этом магазине: {count} шт.",
        "delivery": "доставка к {day}",
        "delivery_asked": "под заказ с доставкой",
        "elsewhere": "есть в магазине {outlet}",
        "online": "только в интернет-магазине",
        "online_by": "только в интернет-магазине, доставка к {day}",
        "none": "сейчас нет в продаже",
        "more": "больше: {name}",
        "less": "меньше: {name}",
        "price_than": "{value}, на {difference} {word}, чем {title}",
    },
}


@dataclass(frozen=True, slots=True)
class Wording:
    """Speaks one language about one store's goods. `units`: kept unit by parameter, where the lexicon has none."""

    language: Language
    currency: str
    lexicon: Lexicon
    units: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """A sentence."""
        return _TEXTS[self.language][key].format(**values)

    def name(self, key: str) -> str:
        """What a parameter is called."""
        entry = self.lexicon.entries.get(key)
        return entry.spoken(self.language).noun[0] if entry else key

    def word(self, key: str, direction: Direction) -> str:
        """lighter, легче ..."""
        entry = self.lexicon.entries.get(key)
        if entry is None:
            return self.say(direction, name=key)
        return (entry.spoken(self.language).more if direction == "more" else entry.spoken(self.language).less)[0]

    def value(self, key: str, value: float) -> str:
        """A figure with its unit; the price with its currency (minor units)."""
        if key == "price":
            return self.money(round(value))
        entry = self.lexicon.entries.get(key)
        unit = self.units.get(key) or (entry.unit if entry else None)
        return self.figure(value, unit)

    def figure(self, value: float, unit: str | None) -> str:
        """A figure in a kept unit, in the larger one where that reads better."""
        shown, name = value, unit or ""
        if unit in _LARGER and abs(value) >= _LARGER[unit][0]:
            shown, name = value / _LARGER[unit][1], _larger(unit, self.language)
        elif self.language == "ru":
            name = _RUSSIAN_UNITS.get(name, name)
        number = format_decimal(round(shown, 2 if abs(shown) < 100 else 0), locale=self.language)
        return f"{number} {name}".strip()

    def money(self, minor: int) -> str:
        """An amount as the language writes it; without cents where there are none."""
        amount = minor / 10 ** get_currency_precision(self.currency)
        pattern = None if amount % 1 else ("¤#,##0" if self.language == "en" else "#,##0 ¤")
        return format_currency(amount, self.currency, pattern, locale=self.language, currency_digits=pattern is None)

    def day(self, day: date) -> str:
        """A date without its year."""
        return format_date(day, "d MMMM", locale=self.language)

    def date(self, day: date) -> str:
        """A date with its year."""
        return format_date(day, "d MMMM y", locale=self.language)

    def rating(self, value: float) -> str:
        """A figure with one digit after the point where there is one."""
        return format_decimal(value, "0.#", locale=self.language)

    def where(self, found: Availability) -> str:
        """Where a product can be had."""
        if found.status == "here":
            return self.say("here_n", count=found.here) if found.here else self.say("here")
        if found.status in {"delivery", "online"}:
            if found.delivery_at is not None:
                return self.say(
                    "delivery" if found.status == "delivery" else "online_by", day=self.day(found.delivery_at)
                )
            return self.say("delivery_asked" if found.status == "delivery" else "online")
        if found.status == "elsewhere":
            return self.say("elsewhere", outlet=found.elsewhere[0].outlet)
        return self.say("none")


def _larger(unit: str, language: Language) -> str:
    _, _, english, russian = _LARGER[unit]
    return russian if language == "ru" else english
