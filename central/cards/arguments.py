"""What matters to this buyer, each with what it stands on. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from central.cards.gathering import Known, concerned
from central.cards.schemas import Argument, BarrierOut
from central.cards.wording import Words
from central.catalogue.tables import Product
from central.preferences.lexicon import Language, lexicon
from central.preferences.schemas import OpinionOut
from central.preferences.shelf import title_of
from central.preferences.wording import Wording

SURE = 0.8
"""A taste is spoken of when its direction is as probable as this."""
_PRICE = frozenset({"price", "waits_for_discount"})
_MOST = 3


class Reasons:
    """One visitor in one language."""

    def __init__(self, known: Known, language: Language) -> None:
        self._known, self._language = known, language
        self._words = Words(language)
        currency = known.store.currency if known.store else "EUR"
        self._figures = Wording(language, currency, lexicon(), {})

    def arguments(self) -> list[Argument]:
        """The strongest first: what they said themselves, price, time, then what they filtered by."""
        return [*self._tastes(), *self._price(), *self._speed(), *self._stock(), *self._wanted()]

    def barriers(self) -> list[BarrierOut]:
        """What was not overcome, the newest first."""
        found = []
        for row in self._known.interests.barriers:
            text = self._words.barrier(row.kind)
            if row.sku:
                text = self._words.say("with", text=text, title=self._title(row.sku))
            evidence = self._words.evidence(row.evidence)
            found.append(BarrierOut(kind=row.kind, text=text, evidence=evidence, sku=row.sku))
        return found

    def _title(self, sku: str) -> str:
        product = self._known.products.get(sku)
        return title_of(product, self._language) if product else sku

    def _tastes(self) -> Iterator[Argument]:
        tastes = self._known.tastes
        for category in tastes.categories if tastes else ():
            for taste in category.tastes:
                if not taste.learned or taste.sure < SURE or taste.parameter == "price":
                    continue
                said = [opinion for opinion in self._known.opinions if taste.parameter in self._rated(opinion)]
                if said:
                    word = self._figures.word(taste.parameter, "more" if taste.weight > 0 else "less")
                    text = f"{word[:1].upper()}{word[1:]}."
                    evidence = [self._said(taste.parameter, opinion) for opinion in said[:_MOST]]
                    yield Argument(kind="parameter", text=text, evidence=evidence)

    def _rated(self, opinion: OpinionOut) -> dict[str, int]:
        words = lexicon()
        return {words.named(name) or words.key(name): rating for name, rating in opinion.parameters.items()}

    def _said(self, parameter: str, opinion: OpinionOut) -> str:
        rating = f"{self._rated(opinion)[parameter]:+d}".replace("-", "−")
        label, title = self._figures.name(parameter), self._title(opinion.sku)
        return self._words.say("said", label=label, title=title, rating=rating)

    def _price(self) -> Iterator[Argument]:
        known, words = self._known, self._words
        interests = known.interests
        evidence = [self._told(row.evidence, row.sku) for row in interests.barriers if row.kind in _PRICE]
        cheapest = any(row.kind == "price" for row in interests.barriers)
        if not cheapest and interests.sort and "price" in interests.sort.casefold():
            evidence.append(words.say("sorted"))
        limit = interests.price_range.max if interests.price_range else None
        if limit is not None:
            evidence.append(words.say("range", price=self._figures.money(limit)))
        for sku, quote in list(known.quotes.items())[:_MOST]:
            text = words.say("personal", title=self._title(sku), price=self._figures.money(quote.price))
            yield Argument(kind="price", text=text, evidence=[words.say("quoted"), *quote.reasons[:2]])
        if evidence:
            text = words.say("price_max", price=self._figures.money(limit)) if limit is not None else words.say("price")
            yield Argument(kind="price", text=text, evidence=list(dict.fromkeys(evidence))[:_MOST])

    def _told(self, evidence: str, sku: str | None) -> str:
        text = self._words.evidence(evidence)
        return self._words.say("with", text=text, title=self._title(sku)) if sku else text

    def _speed(self) -> Iterator[Argument]:
        rows = [row for row in self._known.interests.barriers if row.kind == "delivery_time"]
        if not rows:
            return
        named = dict.fromkeys(
            [row.sku for row in rows if row.sku] + [sku for sku, _ in concerned(self._known.interests)]
        )
        here = [title_of(product, self._language) for product in self._here(list(named))]
        text = self._words.say("speed", titles=", ".join(here[:_MOST])) if here else self._words.say("speed_none")
        yield Argument(kind="speed", text=text, evidence=[self._told(row.evidence, row.sku) for row in rows[:_MOST]])

    def _stock(self) -> Iterator[Argument]:
        rows = [row for row in self._known.interests.barriers if row.kind == "out_of_stock" and row.sku]
        back = self._here([row.sku for row in rows if row.sku])
        if back:
            titles = ", ".join(title_of(product, self._language) for product in back)
            told = [self._told(row.evidence, row.sku) for row in rows if row.sku in {product.sku for product in back}]
            yield Argument(kind="stock", text=self._words.say("stock", titles=titles), evidence=told[:_MOST])

    def _here(self, skus: list[str]) -> list[Product]:
        known = self._known
        return [known.products[sku] for sku in skus if sku in known.products and known.where[sku].status == "here"]

    def _wanted(self) -> Iterator[Argument]:
        known = self._known.interests
        for row in known.filters:
            values = self._values(row.values, row.min, row.max)
            if not values or lexicon().named(row.parameter) == "price":
                continue
            name = self._figures.name(lexicon().named(row.parameter) or row.parameter)
            text = self._words.say("wants", name=f"{name[:1].upper()}{name[1:]}", values=values)
            yield Argument(kind="parameter", text=text, evidence=[self._words.say("filtered", category=row.category)])

    def _values(self, values: list[str | int | float | bool] | None, low: float | None, high: float | None) -> str:
        words = self._words
        if values:
            return ", ".join(words.say("yes" if one else "no") if isinstance(one, bool) else str(one) for one in values)
        ends = {"low": f"{low:g}" if low is not None else "", "high": f"{high:g}" if high is not None else ""}
        if low is not None and high is not None:
            return words.say("between", **ends)
        if high is not None:
            return words.say("upto", **ends)
        return words.say("from", **ends) if low is not None else ""
