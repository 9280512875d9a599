"""Relative search in words, English and Russian: "lighter than X, more bass than Y, under 10,000". Pure.

A text is read left to right. Words of no meaning here are kept and reported; names of products are found out later
(`Span`), because only the catalogue knows them. A comparison without its own "than" takes the next one, else the last
one before it, else what was tried last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from central.catalogue import units
from central.preferences.lexicon import Direction, Lexicon, Meaning

_TOKEN: Final = re.compile(
    r"\d{1,3}(?:[ ,\u00a0\u202f]\d{3})+(?![\d\w])|\d+(?:[.,]\d+)?(?=[^\W\d_]{0,6}(?:\W|$))"
    r"|[^\W_](?:[\w\-./+]*[\w+])?|[,;()€$₽£\"]"
)
_NUMBER: Final = re.compile(r"\d[\d ,.\u00a0\u202f]*")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split("|"))


MORE: Final = _set("more|higher|greater|bigger|better|больше|более|выше|побольше|повыше|лучше")
LESS: Final = _set("less|lower|fewer|меньше|менее|ниже|поменьше|пониже")
_TO: Final = _set("to|до")
THAN: Final = _set("than|чем|нежели")
UNDER: Final = _set(
    "under|below|to|up to|at most|max|maximum|no more than|not more than|within|less than|cheaper than"
    "|до|не дороже|не больше|не более|максимум|в пределах|дешевле чем|не тяжелее|не выше"
)
OVER: Final = _set(
    "over|above|at least|min|minimum|no less than|not less than|from|от|не меньше|не менее|не ниже|минимум|свыше"
)
WITH: Final = _set("with|having|с|со")
WITHOUT: Final = _set("without|no|без")
NOT: Final = _set("not|no|isn't|aren't|не")
BETWEEN: Final = _set("between|между|в диапазоне|in the range of|in the range")
HERE: Final = _set("in stock|in store|here|available now|in this store|в наличии|здесь|в магазине|сейчас есть")
BREAK: Final = _set("and|but|or|и|но|или|а|also|также|while")
LAST: Final = _set(
    "it|this|that|these|those|them|this one|that one|these ones"
    "|the ones i heard|the ones i tried|the one i tried|ones i heard"
    "|ones i tried|one i tried|the last one|the one i heard|этот|эта|эти|этих|этой|этого|те|тех|неё|него|них|они|она|он"
    "|те что слушал|тех что слушал|последние|последний|мои|моих|my|mine"
)
FILLER: Final = _set(
    "a|an|the|i|want|need|would|like|something|some|one|ones|for|me|please|show|find|is|are|be|of|which|price|costs"
    "|мне|нужны|нужен|нужна|нужно|хочу|что-то|что-нибудь|что|какие|которые|который|которая|покажи|найди|по|цене|цена|бы|чтобы"
    "|был|были|было|была|со|только|only|much|little|bit|slightly|немного|чуть|гораздо|намного|ещё|еще|были|ценой|стоимостью"
)
CURRENCY: Final = _set(
    "€|$|₽|£|eur|euro|euros|usd|dollars|rub|rubles|roubles|руб|руб.|рубль|рубля|рублей|р|р.|евро|долларов"
)
THOUSAND: Final = _set("k|к|тыс|тыс.|тысяч|тысячи|thousand")
ARTICLES: Final = _set("the|a|an|у|на")
_LONGEST: Final = 5


@dataclass(frozen=True, slots=True)
class Token:
    """A word or number, where it stands in the text."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """Words that should name a product."""

    text: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure; `unit` as written."""

    value: float
    unit: str | None


Reference = Span | Amount | Literal["last"]


@dataclass(slots=True)
class Comparison:
    """`key` `direction` `than`. `named`: the key is the person's own word and must be found in the catalogue."""

    key: str
    direction: Direction
    than: Reference | None = None
    named: bool = False
    or_equal: bool = False


@dataclass(slots=True)
class Reading:
    """What a text says."""

    comparisons: list[Comparison] = field(default_factory=list)
    price_min: float | None = None
    price_max: float | None = None
    flags: dict[str, bool] = field(default_factory=dict)
    here: bool = False
    unknown: list[str] = field(default_factory=list)
    """Words without meaning so far: maybe a brand or a category."""


def tokens(text: str) -> list[Token]:
    """Words, numbers with their thousands together, and marks."""
    return [Token(match[0].casefold(), match.start(), match.end()) for match in _TOKEN.finditer(text)]


class _Reader:
    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.text, self.lexicon = text, lexicon
        self.tokens = tokens(text)
        self.at = 0
        self.out = Reading()
        self.pending: list[Comparison] = []
        self.generic: Direction | None = None
        self.noun: str | None = None
        self.negated = False
        """A "not" stands before the next comparative: it means the other direction, the same included."""
        self.or_equal = False

    def phrase(self, words: frozenset[str]) -> bool:
        """Take the longest of these phrases that stands here."""
        length = self._longest(lambda joined: joined in words)
        self.at += length
        return bool(length)

    def meaning(self) -> Meaning | None:
        length = self._longest(lambda joined: joined in self.lexicon.phrases)
        if not length:
            return None
        joined = self._joined(length)
        self.at += length
        return self.lexicon.phrases[joined]

    def _longest(self, known) -> int:  # type: ignore[no-untyped-def]
        for length in range(min(_LONGEST, len(self.tokens) - self.at), 0, -1):
            if known(self._joined(length)):
                return length
        return 0

    def _joined(self, length: int) -> str:
        return " ".join(token.word for token in self.tokens[self.at : self.at + length])

    def more(self) -> bool:
        return self.at < len(self.tokens)

    # -- one thing after the other ------------------------------------------------------------------------------

    def read(self) -> Reading:
        while self.more():
            self._step()
        self._end_clause()
        self._settle()
        return self.out

    def _step(self) -> None:
        if self.tokens[self.at].word in ',;()"' or self.phrase(BREAK):
            self._end_clause()
            self.at += self.more() and self.tokens[self.at].word in ',;()"'
        elif self.phrase(HERE):
            self.out.here = True
        elif self.more() and (self._limit() or self._between() or self._negation()):
            return
        elif self.phrase(THAN):
            self._reference()
        elif self.phrase(WITHOUT):
            self._flag(False)
        elif not self._parameter() and not self._direction():
            self._rest()

    def _limit(self) -> bool:
        """under 10,000 / over 20 h: a price unless a unit or the noun before says otherwise."""
        start = self.at
        direction: Direction = "less" if self.phrase(UNDER) else "more"
        if self.at == start and not self.phrase(OVER):
            return False
        amount = self._amount()
        if amount is None:
            self.at = start
            return False
        self._bound(direction, amount)
        return True

    def _between(self) -> bool:
        """between 100 and 200 g."""
        start, noun = self.at, self.noun
        low = self._amount() if self.phrase(BETWEEN) else None
        high = self._amount() if low is not None and (self.phrase(BREAK) or self.phrase(_TO)) else None
        if low is None or high is None:
            self.at = start
            return False
        self._bound("more", low if low.unit is not None else Amount(low.value, high.unit))
        self.noun = noun
        self._bound("less", high)
        return True

    def _negation(self) -> bool:
        """not heavier than X, не громче 30 дБ; not wireless."""
        if self.tokens[self.at].word not in NOT:
            return False
        self.at += 1
        length = self._longest(lambda joined: joined in self.lexicon.phrases)
        found = self.lexicon.phrases[self._joined(length)] if length else None
        if found is not None and self.lexicon.entries[found.key].flag:
            self.at += length
            self.out.flags[found.key] = found.direction == "less"
            return True
        if (found is not None and found.direction is not None) or self._stands(MORE) or self._stands(LESS):
            self.negated = True
            return True
        self.at -= 1
        return False

    def _turned(self, direction: Direction) -> Direction:
        self.or_equal = self.negated
        self.negated = False
        return direction if not self.or_equal else "less" if direction == "more" else "more"

    def _bound(self, direction: Direction, amount: Amount) -> None:
        key = self.noun
        if key is None and amount.unit is not None:
            scale = units.unit(amount.unit)
            key = self.lexicon.units.get(scale[0]) if scale else None
        self.noun = None
        if key is not None and key != "price":
            self.out.comparisons.append(Comparison(key, direction, amount, or_equal=True))
        elif direction == "less":
            self.out.price_max = amount.value
        else:
            self.out.price_min = amount.value

    def _amount(self) -> Amount | None:
        start = self.at
        self.phrase(CURRENCY)
        value = self._number()
        if value is None:
            self.at = start
            return None
        if self.phrase(THOUSAND):
            value *= 1000
        if self.phrase(CURRENCY):
            return Amount(value, None)
        if self.more() and units.unit(self.tokens[self.at].word) is not None:
            self.at += 1
            return Amount(value, self.tokens[self.at - 1].word)
        return Amount(value, None)

    def _number(self) -> float | None:
        if not self.more() or not _NUMBER.fullmatch(self.tokens[self.at].word):
            return None
        word = self.tokens[self.at].word
        if re.fullmatch(r"\d{1,3}(?:[ ,\u00a0\u202f]\d{3})+", word):
            word = re.sub(r"\D", "", word)
        self.at += 1
        return units.number(word)

    def _parameter(self) -> bool:
        start = self.at
        meaning = self.meaning()
        if meaning is None:
            return False
        entry = self.lexicon.entries[meaning.key]
        if entry.flag:
            self.out.flags[meaning.key] = meaning.direction != "less"
            self.generic = None
        elif meaning.direction is not None:
            self.generic = None
            self._compare(Comparison(meaning.key, self._turned(meaning.direction)))
        elif self.generic is not None:
            self._compare(Comparison(meaning.key, self.generic))
            self.generic = None
        else:
            self.noun = meaning.key
        return self.at > start

    def _direction(self) -> bool:
        direction: Direction | None = "more" if self.phrase(MORE) else "less" if self.phrase(LESS) else None
        if direction is None:
            return False
        direction = self._turned(direction)
        if self.noun is not None:  # "weight lower than X"
            self._compare(Comparison(self.noun, direction))
            self.noun = None
        else:
            self.generic = direction
        return True

    def _compare(self, comparison: Comparison) -> None:
        comparison.or_equal, self.or_equal = self.or_equal, False
        self.out.comparisons.append(comparison)
        self.pending.append(comparison)
        start = self.at
        amount = self._amount()  # "легче 250 г"
        if amount is not None and (amount.unit is not None or comparison.key == "price"):
            self._apply(amount)
        else:
            self.at = start

    def _flag(self, wanted: bool) -> None:
        start = self.at
        meaning = self.meaning()
        if meaning is not None and self.lexicon.entries[meaning.key].flag:
            self.out.flags[meaning.key] = wanted
        else:
            self.at = start

    def _rest(self) -> None:
        token = self.tokens[self.at]
        if self.generic is not None and token.word not in FILLER | WITH and not _NUMBER.fullmatch(token.word):
            # "more impedance": the catalogue may know it.
            self._compare(Comparison(token.word, self.generic, named=True))
            self.generic = None
            self.at += 1
            return
        if self.pending and self.pending[-1].than is None and token.word not in FILLER | WITH and self._names_product():
            return
        if self.phrase(WITH) or self.phrase(FILLER):
            return
        self.at += 1
        self.out.unknown.append(self.text[token.start : token.end])

    def _names_product(self) -> bool:
        """ "легче Sony XM5": the product right behind the comparison."""
        if self.at == 0 or not self.pending:
            return False
        self._reference()
        return True

    def _reference(self) -> None:
        amount = self._amount()
        if amount is not None:
            self._apply(amount)
            return
        if self.phrase(LAST):
            self._apply("last")
            return
        words = list(self._span())
        if words:
            self._apply(Span(self.text[words[0].start : words[-1].end]))

    def _span(self) -> Iterator[Token]:
        """Words up to what cannot belong to a name any more."""
        first = True
        while self.more():
            token = self.tokens[self.at]
            if token.word in ',;()"' or token.word in BREAK | WITHOUT:
                return
            if not first and (self._stands(UNDER) or self._stands(OVER) or self._stands(HERE) or token.word in WITH):
                return
            if not first and (token.word in MORE | LESS or self._comparative()):
                return
            if first and token.word in ARTICLES:
                self.at += 1
                continue
            self.at += 1
            first = False
            yield token

    def _stands(self, words: frozenset[str]) -> bool:
        return bool(self._longest(lambda joined: joined in words))

    def _comparative(self) -> bool:
        found = self.lexicon.phrases.get(self.tokens[self.at].word)
        return found is not None and found.direction is not None

    def _apply(self, reference: Reference) -> None:
        waiting = [comparison for comparison in self.pending if comparison.than is None]
        if not waiting and self.generic is not None and isinstance(reference, Amount):
            self._bound(self.generic, reference)  # "more than 5000"
            self.generic = None
            return
        for comparison in waiting:
            comparison.than = reference
        if not waiting and isinstance(reference, Span):
            self.out.unknown.append(reference.text)

    def _end_clause(self) -> None:
        if self.generic is not None:
            self.out.unknown.append("more" if self.generic == "more" else "less")
        self.generic = self.noun = None
        self.negated = self.or_equal = False

    def _settle(self) -> None:
        """Comparisons without a reference take the last one named, else what was tried last; prices become bounds."""
        spans = [c.than for c in self.out.comparisons if isinstance(c.than, Span) or c.than == "last"]
        for comparison in self.out.comparisons:
            if comparison.than is None:
                comparison.than = spans[-1] if spans else "last"
        for comparison in [c for c in self.out.comparisons if c.key == "price" and isinstance(c.than, Amount)]:
            assert isinstance(comparison.than, Amount)
            self._bound(comparison.direction, comparison.than)
            self.out.comparisons.remove(comparison)


def read(text: str, lexicon: Lexicon) -> Reading:
    """What a text says; never fails: what means nothing is in `unknown`."""
    return _Reader(text, lexicon).read()
