"""The words of parameters.yaml: which parameter is meant, and which way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from central.catalogue import units

Language = Literal["en", "ru"]
Direction = Literal["more", "less"]
_FILE: Final = Path(__file__).with_name("parameters.yaml")
Words = Annotated[list[str], Field(min_length=1)]


class Spoken(BaseModel):
    """How a parameter is spoken of in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    noun: Words
    more: Words
    less: Words


class Entry(BaseModel):
    """One parameter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str | None = None
    flag: bool = False
    better: Direction | None = None
    catalogue: list[str]
    en: Spoken
    ru: Spoken

    def spoken(self, language: Language) -> Spoken:
        """In one language."""
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase stands for: a parameter, with a direction or (a noun) without."""

    key: str
    direction: Direction | None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Lookups over the entries. All keys casefolded."""

    entries: Mapping[str, Entry]
    phrases: Mapping[str, Meaning]
    names: Mapping[str, str]
    units: Mapping[str, str]
    """Kept unit -> the parameter usually meant when only a unit is said."""

    def key(self, name: str) -> str:
        """The canonical name of a catalogue's parameter; its own when it is not one of ours."""
        folded = " ".join(name.casefold().split())
        return self.names.get(folded) or self._without_unit(folded) or folded

    def _without_unit(self, name: str) -> str | None:
        """ "weight_g" and "Вес, г" are the weight, when that is what is weighed in grams."""
        found = units.in_name(name)
        key = self.names.get(found[0]) if found else None
        return key if key is not None and found is not None and self.entries[key].unit == found[1][0] else None

    def named(self, text: str) -> str | None:
        """The parameter somebody names in a word or two, however written."""
        folded = " ".join(text.casefold().replace("_", " ").split())
        found = self.phrases.get(folded)
        return found.key if found else self.names.get(folded) or self._without_unit(text.casefold().strip())


def build(entries: Mapping[str, Entry]) -> Lexicon:
    """Index the entries; ValueError names a word that stands for two things."""
    phrases: dict[str, Meaning] = {}
    names: dict[str, str] = {}
    usual: dict[str, str] = {}
    for key, entry in entries.items():
        names |= {name.casefold(): key for name in (*entry.catalogue, key, key.replace("_", " "))}
        if entry.unit is not None:
            usual.setdefault(entry.unit, key)
        for spoken in (entry.en, entry.ru):
            said: tuple[tuple[list[str], Direction | None], ...] = (
                (spoken.noun, None),
                (spoken.more, "more"),
                (spoken.less, "less"),
            )
            for words, direction in said:
                for word in words:
                    _enter(phrases, word.casefold(), Meaning(key, direction))
    return Lexicon(entries, phrases, names, usual)


def _enter(phrases: dict[str, Meaning], word: str, meaning: Meaning) -> None:
    before = phrases.setdefault(word, meaning)
    if before.key != meaning.key:
        raise ValueError(f"parameters.yaml: {word!r} stands for {before.key} and for {meaning.key}")
    if before.direction is not None and meaning.direction is not None and before.direction != meaning.direction:
        raise ValueError(f"parameters.yaml: {word!r} stands for more and for less {meaning.key}")


@lru_cache(maxsize=10_000)
def canonical(name: str) -> str:
    """`lexicon().key`, remembered: a shelf says the same few names again and again."""
    return lexicon().key(name)


@cache
def lexicon() -> Lexicon:
    """The one that comes with the program."""
    body = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return build(TypeAdapter(dict[str, Entry]).validate_python(body))
