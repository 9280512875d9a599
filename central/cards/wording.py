"""Arguments and barriers in a consultant's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "price_max": "Price: stay within {price}.",
            "price": "Price decides: begin with what costs less.",
            "personal": "Price: {title} costs them {price} today.",
            "speed": "No waiting: {titles} can be taken home today.",
            "speed_none": "Speed: they asked how long delivery takes. Say the nearest date first.",
            "stock": "In stock again: {titles}.",
            "wants": "{name}: {values}",
            "delivery_time": "Delivery took too long",
            "waits_for_discount": "Waits for a discount",
            "low_price": "Looks for the lowest price",
            "out_of_stock": "It was out of stock",
            "with": "{text}: {title}",
            "filtered": "filter on the site, {category}",
            "sorted": "sorted the list by price",
            "range": "price filter up to {price}",
            "quoted": "personal price, still valid",
            "said": "{label} of {title}: {rating}",
            "looked_delivery_days": "looked at delivery: {value} days",
            "looked_delivery": "looked at delivery times",
            "waited": "looked at it on {value} days without buying",
            "coupon": "a coupon was refused: {value}",
            "told": "asked to be told of a lower price",
            "discount": "filtered by discount",
            "cheapest": "sorted by price, cheapest first",
            "gone": "saw it out of stock",
            "yes": "yes",
            "no": "no",
            "upto": "up to {high}",
            "from": "from {low}",
            "between": "{low} to {high}",
        },
        "ru": {
            "price_max": "Цена: не выше {price}.",
            "price": "Решает цена: начните с того, что дешевле.",
            "personal": "Цена: {title} сегодня для него {price}.",
            "speed": "Без ожидания: {titles} можно забрать сегодня.",
            "speed_none": "Срок: спрашивал(а) о доставке. Сначала назовите ближайшую дату.",
            "stock": "Снова в наличии: {titles}.",
            "wants": "{name}: {values}",
            "delivery_time": "Долгая доставка",
            "waits_for_discount": "Ждёт скидки",
            "low_price": "Ищет цену ниже",
            "out_of_stock": "Не было в наличии",
            "with": "{text}: {title}",
            "filtered": "фильтр на сайте, {category}",
            "sorted": "сортировал(а) список по цене",
            "range": "фильтр цены до {price}",
            "quoted": "личная цена, ещё действует",
            "said": "{label} у {title}: {rating}",
            "looked_delivery_days": "смотрел(а) доставку, дней: {value}",
            "looked_delivery": "смотрел(а) сроки доставки",
            "waited": "смотрел(а) и не купил(а), дней: {value}",
            "coupon": "купон не принят: {value}",
            "told": "просил(а) сообщить о снижении цены",
            "discount": "фильтр по скидке",
            "cheapest": "сортировал(а) от дешёвых",
            "gone": "видел(а), что нет в наличии",
            "yes": "да",
            "no": "нет",
            "upto": "до {high}",
            "from": "от {low}",
            "between": "{low} – {high}",
        },
    }
)
_EVIDENCE = (
    # How behaviour says it, up to the figure or word in it, and our name for it.
    ("looked at delivery: ", "looked_delivery_days"),
    ("looked at delivery", "looked_delivery"),
    ("looked at it on ", "waited"),
    ("a coupon was refused: ", "coupon"),
    ("asked to be told of a lower price", "told"),
    ("filtered by discount", "discount"),
    ("sorted by price, cheapest first", "cheapest"),
    ("saw it out of stock", "gone"),
)


class Words:
    """One language; English for one we do not speak."""

    def __init__(self, language: str) -> None:
        self._words = _WORDS.get(language, _WORDS["en"])

    def say(self, key: str, **values: object) -> str:
        """A sentence with its places filled."""
        return self._words[key].format(**values)

    def evidence(self, text: str) -> str:
        """Behaviour tells what was done in English; a sentence we do not know stays as it is."""
        for lead, key in _EVIDENCE:
            if text.startswith(lead):
                rest = text.removeprefix(lead)
                value = rest if key == "coupon" else rest.partition(" ")[0]
                return self.say(key, value=value)
        return text

    def barrier(self, kind: str) -> str:
        """A kind of barrier."""
        return self.say("low_price" if kind == "price" else kind)
