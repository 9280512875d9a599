"""Preferences: opinions in, tastes and suggestions out. What other folders call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.parameters import read as read_parameters
from central.catalogue.tables import Product
from central.preferences import shelf
from central.preferences.learning import belief_of, likes_of
from central.preferences.lexicon import Language, Lexicon, lexicon
from central.preferences.opinions import (
    NoConsentError,
    UnknownSkuError,
    allowed,
    judged,
    of_subject,
    record,
    together,
    tried,
)
from central.preferences.ranking import Candidate, Setting, best, explained
from central.preferences.schemas import (
    CategoryTaste,
    Choice,
    OpinionOut,
    Preferences,
    Query,
    SearchOut,
    Suggestion,
    Tried,
)
from central.preferences.schemas import Taste as TasteOut
from central.preferences.shelf import Categories, Good, Shelf
from central.preferences.tables import Prior
from central.preferences.taste import Item, Taste, fit, grouped, popularity, space_of
from central.preferences.understanding import Understanding, Understood, category_has, stem
from central.preferences.wording import Wording
from central.privacy.vault import Vault
from central.segments.tables import CustomerSegments

MOST_CHOICES: Final = 6
ENOUGH: Final = 10
"""People behind a figure that anybody may read."""
_SURE_WORDS: Final = 0.8
_USUAL: Final = ("bass", "weight", "noise", "battery", "noise_cancelling", "treble", "power", "brightness")

__all__ = [
    "NoConsentError",
    "UnknownSkuError",
    "model",
    "of_subject",
    "parameter_choices",
    "phrases",
    "record",
    "search",
    "suggest",
    "tried",
    "verdict",
]


@dataclass(slots=True)
class _Known:
    """What is known of a person: nothing, unless they agreed."""

    personal: bool = False
    tried: list[Tried] = field(default_factory=list)
    segments: Sequence[str] = ()


async def _known(
    session: AsyncSession,
    vault: Vault,
    subject: str | None,
    segments: Sequence[str] | None,
    opinions: list[OpinionOut] | None = None,
) -> _Known:
    if subject is None or not await allowed(session, subject):
        return _Known()
    if segments is None:
        row = await session.get(CustomerSegments, subject)
        segments = row.segments if row else ()
    return _Known(True, together(await of_subject(session, vault, subject) if opinions is None else opinions), segments)


async def verdict(session: AsyncSession, store: str, sku: str, category: str | None) -> tuple[int, int] | None:
    """How many liked and how many disliked a product they tried; None below ten people (PRIVACY P10).

    As counted when the tastes of the category were learned last, so that one more opinion cannot be read off it.
    """
    statement = select(Prior).where(Prior.store == store, Prior.category == (category or ""))
    counted = likes_of((await session.scalars(statement)).all()).get(sku)
    return counted if counted is not None and sum(counted) >= ENOUGH else None


async def _tastes(goods: Shelf, items: Sequence[Item], known: _Known) -> dict[str, Taste]:
    """A taste for each category among the items: the person's own, or that of people like them."""
    tastes, priors = {}, await goods.priors()
    for category, mine in grouped(items).items():
        learned, place = priors.get(category, []), (category, len(mine))
        space = goods.spaces.get(place) or space_of(mine, popularity(likes_of(learned)))
        goods.spaces[place] = space
        by_sku = {item.sku: item for item in mine}
        tried = [entry for entry in known.tried if entry.sku in by_sku]
        thought = (*place, *((entry.sku, entry.last_at, entry.liked) for entry in tried), *known.segments)
        if thought not in goods.tastes:
            said = [judged(entry) for entry in tried]
            goods.tastes[thought] = fit(space, said, by_sku, belief_of(learned, known.segments))
        tastes[category] = goods.tastes[thought]
    return tastes


async def model(
    session: AsyncSession,
    vault: Vault,
    subject: str,
    now: datetime,
    store: str | None = None,
    segments: Sequence[str] | None = None,
    opinions: list[OpinionOut] | None = None,
    goods: Shelf | None = None,
) -> Preferences:
    """The preference model of one person, by category of what they tried; empty without consent to a profile.

    `opinions`: theirs, and `goods`: a store's products, for a caller that has read them already.
    """
    known = await _known(session, vault, subject, segments, opinions)
    stores = sorted({entry.store for entry in known.tried if store in {None, entry.store}})
    categories: list[CategoryTaste] = []
    for name in stores:
        mine = _Known(known.personal, [entry for entry in known.tried if entry.store == name], known.segments)
        here = goods if goods is not None and goods.store == name else Shelf(session, name)
        around = await here.categories_of(entry.sku for entry in mine.tried)
        tastes = await _tastes(here, [good.item for good in await here.goods(around)], mine)
        tried_in = {category or "" for category in around}
        categories += [_out(category, taste) for category, taste in sorted(tastes.items()) if category in tried_in]
    return Preferences(
        subject=subject,
        opinions=sum(category.opinions for category in categories),
        categories=categories,
        updated_at=max((entry.last_at for entry in known.tried), default=None),
    )


def _out(category: str, taste: Taste) -> CategoryTaste:
    tastes = [
        TasteOut(
            parameter=key,
            weight=round(taste.mean[place], 4),
            sd=round(taste.covariance[place][place] ** 0.5, 4),
            sure=round(taste.sure(place), 4),
            learned=key in taste.touched,
        )
        for place, key in enumerate(taste.space.keys)
    ]
    tastes.sort(key=lambda item: (-item.sure, item.parameter))
    return CategoryTaste(category=category, opinions=taste.opinions, tastes=tastes)


def phrases(preferences: Preferences, language: Language, most: int = 4) -> list[str]:
    """Short lines for a card: "likes: lighter", surest first; only what the person's own opinions say."""
    wording = Wording(language, "EUR", lexicon(), {})
    found = [
        (taste.sure, wording.word(taste.parameter, "more" if taste.weight > 0 else "less"))
        for category in preferences.categories
        for taste in category.tastes
        if taste.learned and taste.sure >= _SURE_WORDS and taste.parameter in lexicon().entries
    ]
    lead = "нравится" if language == "ru" else "likes"
    lines = [f"{lead}: {word}" for _, word in sorted(found, key=lambda pair: -pair[0])]
    return list(dict.fromkeys(lines))[:most]


async def search(
    session: AsyncSession,
    vault: Vault,
    subject: str | None,
    store: str,
    text_or_query: str | Query,
    limit: int,
    now: datetime,
    language: Language = "en",
    segments: Sequence[str] | None = None,
) -> SearchOut:
    """Answers to a text or a query, ranked by the person's taste if they agreed to a profile."""
    currency = await shelf.currency(session, store) or ""
    known = await _known(session, vault, subject, segments)
    here = [entry.sku for entry in known.tried if entry.store == store]
    words = lexicon()
    if isinstance(text_or_query, Query):
        query = text_or_query.model_copy(deep=True)
        found = Understood(query, named=_own_words(query, words))
    else:
        found = await Understanding(session, store, currency, words, here).read(text_or_query)
    return await _Search(Shelf(session, store), currency, now, language, known).answer(found, limit)


def _own_words(query: Query, words: Lexicon) -> list[str]:
    """Parameters of a sent query under canonical names; those we do not know are looked for in the catalogue."""
    unknown = []
    for condition in query.conditions:
        key = words.named(condition.parameter)
        condition.parameter = key or condition.parameter.casefold()
        if key is None and condition.parameter != "price":
            unknown.append(condition.parameter)
    return unknown


async def suggest(
    session: AsyncSession,
    vault: Vault,
    subject: str | None,
    store: str,
    limit: int,
    now: datetime,
    language: Language = "en",
    category: str | None = None,
    segments: Sequence[str] | None = None,
    opinions: list[OpinionOut] | None = None,
    goods: Shelf | None = None,
) -> list[Suggestion]:
    """What somebody may like next: of the categories they tried (or the one named), nothing they tried already.

    `opinions`, `goods`: as for `model`.
    """
    currency = await shelf.currency(session, store) or ""
    known = await _known(session, vault, subject, segments, opinions)
    seeking = _Search(goods or Shelf(session, store), currency, now, language, known)
    seeking.without = {entry.sku for entry in known.tried if entry.store == store}
    return (await seeking.answer(Understood(Query(category=category)), limit)).suggestions


class _Search:
    """One search; everything it needs along the way."""

    def __init__(
        self,
        goods: Shelf,
        currency: str,
        now: datetime,
        language: Language,
        known: _Known,
    ) -> None:
        self.session, self.store, self.now, self.language = goods.session, goods.store, now, language
        self.goods = goods
        self.known = known
        self.words = lexicon()
        self.wording = Wording(language, currency, self.words, {})
        self.notes: list[str] = []
        self.without: set[str] = set()

    async def answer(self, found: Understood, limit: int) -> SearchOut:
        query = found.query
        named = {condition.than.sku for condition in query.conditions if condition.than and condition.than.sku}
        references = await shelf.by_sku(self.session, self.store, named)
        self._drop_lost(found, named - references.keys())
        wanted = await self._wanted(query, references)
        goods = await self.goods.goods(wanted, titles=query.category is not None)
        if len(goods) == shelf.MOST:
            self.notes.append(_NOTES[self.language]["many"].format(count=shelf.MOST))
        items = [good.item for good in goods]
        self.wording = Wording(self.language, self.wording.currency, self.words, shelf.units_of(goods[:300]))
        self._find_named(found, items)
        without = named | self.without
        chosen = [good for good in goods if good.available and good.sku not in without and self._fits(good, query)]
        by_sku = {candidate.item.sku: candidate for candidate in await self._candidates(list(references.values()))}
        self._drop_incomparable(found, by_sku)
        priors = await self.goods.priors()
        setting = Setting(
            query=query,
            references=by_sku,
            tastes=await _tastes(self.goods, items, self.known),
            likes={sku: pair for learned in priors.values() for sku, pair in likes_of(learned).items()},
            wording=self.wording,
            personal=bool(self.known.personal and self.known.tried),
        )
        statuses = await self.goods.statuses(chosen, wanted)
        found_items = best([good.item for good in chosen], statuses, setting, limit)
        rows = await shelf.by_sku(self.session, self.store, [item.sku for item in found_items])
        suggestions = explained(await self._candidates([rows[item.sku] for item in found_items]), setting)
        if suggestions and not suggestions[0].exact:
            self.notes.append(_NOTES[self.language]["closest"])
        return SearchOut(
            query=query,
            understood=self._understood(query, by_sku),
            unknown=list(dict.fromkeys(found.unknown)),
            notes=self.notes,
            personal=setting.personal,
            suggestions=suggestions,
        )

    async def _candidates(self, rows: Sequence[Product]) -> list[Candidate]:
        return await shelf.candidates(self.session, rows, self.language, self.now)

    async def _wanted(self, query: Query, references: dict[str, Product]) -> Categories:
        """The categories meant: of the words, else of what is compared with, else of what was tried; None: all."""
        if query.category:
            every = await shelf.categories(self.session, self.store)
            named = query.category
            return [*(name for name in every if category_has(name, named)), None]
        if references:
            return sorted({row.category for row in references.values()}, key=str)
        return await self.goods.categories_of(entry.sku for entry in self.known.tried) or None

    def _fits(self, good: Good, query: Query) -> bool:
        if query.brands and good.brand.casefold() not in {brand.casefold() for brand in query.brands}:
            return False
        if query.category and not category_has(good.item.category, query.category):
            said = good.said()
            return all(stem(word) in said for word in query.category.split())
        return True

    def _drop_lost(self, found: Understood, lost: set[str]) -> None:
        found.unknown += sorted(lost)
        found.query.conditions = [
            condition for condition in found.query.conditions if not (condition.than and condition.than.sku in lost)
        ]

    def _find_named(self, found: Understood, items: Sequence[Item]) -> None:
        """A parameter in the person's own word, met among the products' own names."""
        keys = {key for item in items for key in item.values}
        for word in found.named:
            match = (
                word
                if word in keys
                else next((k for k in sorted(keys) if any(p.startswith(stem(word)) for p in k.split())), None)
            )
            if match is None:
                found.unknown.append(word)
                found.query.conditions = [c for c in found.query.conditions if c.parameter != word]
            for condition in found.query.conditions:
                if match is not None and condition.parameter == word:
                    condition.parameter = match

    def _drop_incomparable(self, found: Understood, references: dict[str, Candidate]) -> None:
        """A product without the figure cannot be compared with: said, not passed over."""
        kept = []
        for condition in found.query.conditions:
            other = references.get(condition.than.sku) if condition.than and condition.than.sku else None
            if other is not None and condition.parameter != "price" and condition.parameter not in other.item.values:
                note = _NOTES[self.language]["incomparable"]
                self.notes.append(note.format(title=other.title, name=self.wording.name(condition.parameter)))
            else:
                kept.append(condition)
        found.query.conditions = kept

    def _understood(self, query: Query, references: dict[str, Candidate]) -> list[str]:
        texts = _NOTES[self.language]
        said = []
        for condition in query.conditions:
            word, than = self.wording.word(condition.parameter, condition.direction), condition.than
            if than is None:
                said.append(word)
            elif than.sku and condition.or_equal:
                other = self.wording.word(condition.parameter, "less" if condition.direction == "more" else "more")
                said.append(texts["not_than"].format(word=other, other=references[than.sku].title))
            elif than.sku:
                said.append(texts["than"].format(word=word, other=references[than.sku].title))
            elif than.value is not None:
                said.append(texts["than"].format(word=word, other=self.wording.value(condition.parameter, than.value)))
        if query.price_max is not None:
            said.append(texts["max"].format(price=self.wording.money(query.price_max)))
        if query.price_min is not None:
            said.append(texts["min"].format(price=self.wording.money(query.price_min)))
        said += [self.wording.word(key, "more" if wanted else "less") for key, wanted in query.flags.items()]
        said += [*query.brands, *([query.category] if query.category else [])]
        return [*said, texts["here"]] if query.here else said


_NOTES: Final = {
    "en": {
        "closest": "Nothing here has all of that; these come closest.",
        "many": "Only the first {count} products were looked at; name a category.",
        "incomparable": "{title} has no figure for {name}: that was not compared.",
        "than": "{word} than {other}",
        "not_than": "not {word} than {other}",
        "max": "up to {price}",
        "min": "from {price}",
        "here": "in stock here",
    },
    "ru": {
        "closest": "Всё сразу не подходит ни к чему; вот самое близкое.",
        "many": "Просмотрены только первые {count} товаров; назовите категорию.",
        "incomparable": "У «{title}» нет данных ({name}): по этому не сравнивали.",
        "than": "{word}, чем {other}",
        "not_than": "не {word}, чем {other}",
        "max": "до {price}",
        "min": "от {price}",
        "here": "есть в этом магазине",
    },
}


async def parameter_choices(session: AsyncSession, store: str, sku: str, language: Language) -> list[Choice]:
    """What to offer for rating a product in two taps: the parameters it has, those people talk about first."""
    row = (await shelf.by_sku(session, store, [sku])).get(sku)
    words, wording = lexicon(), Wording(language, "EUR", lexicon(), {})
    own = [words.key(name) for name in read_parameters(row.parameters)] if row else []
    known = [key for key in dict.fromkeys([*own]) if key in words.entries]
    known.sort(key=lambda key: _USUAL.index(key) if key in _USUAL else len(_USUAL))
    return [Choice(name=key, label=wording.name(key)) for key in [*known, "price"][:MOST_CHOICES]]
