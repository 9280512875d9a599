"""English and Russian: gettext catalogues (.po, compiled in memory) and the choice of language of a request."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

from central.web.assets import HERE

Language = Literal["en", "ru"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru")
NAMES: Final[dict[Language, str]] = {"en": "English", "ru": "Русский"}
COOKIE: Final = "vitrina_lang"
LOCALE: Final = HERE / "locale"


@cache
def translations(language: Language) -> gettext.NullTranslations:
    """The catalogue of a language. English texts are the keys; a missing translation shows the English."""
    if language == "en":
        return gettext.NullTranslations()
    with (LOCALE / language / "LC_MESSAGES" / "web.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def choose(request: Request) -> Language:
    """`?lang=`, then the cookie, then Accept-Language, then English."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    found = negotiate_locale(_accepted(request.headers.get("accept-language", "")), LANGUAGES, sep="-")
    return "ru" if found == "ru" else "en"


def _accepted(header: str) -> list[str]:
    """Languages of an Accept-Language header, most wanted first; "ru-RU" also stands for "ru"."""
    ranked: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            rank = float(weight) if weight else 1.0
        except ValueError:
            continue
        if tag and rank > 0:
            ranked.append((-rank, tag.split("-")[0].lower()))
    return [tag for _, tag in sorted(ranked, key=lambda item: item[0])]


def localized(names: Mapping[str, str], language: Language) -> str:
    """The name of a thing in this language, else in any it has."""
    return names.get(language) or next((name for name in names.values() if name), "")
