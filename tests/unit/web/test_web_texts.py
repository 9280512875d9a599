"""Languages: nothing untranslated, nothing broken in translation, the right one chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from starlette.requests import Request

from central.web import i18n
from central.web.assets import HERE

PLACES = re.compile(r"%\(\w+\)s|%s|\{\w+\}")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (HERE / "locale" / "ru" / "LC_MESSAGES" / "web.po").open("rb") as source:
        return read_po(source, locale="ru")


def used() -> Iterator[str]:
    with (HERE / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    for _file, _line, message, _comments, _context in extract_from_dir(str(HERE), methods, options):
        yield message[0] if isinstance(message, tuple) else message


def texts(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [str(message.string)]


def test_every_text_of_the_pages_is_translated(catalogue: Catalog) -> None:
    wanted = set(used())
    assert len(wanted) > 100
    for text in wanted:
        message = catalogue.get(text)
        assert message is not None, f"not in the Russian catalogue: {text!r}"
        assert all(texts(message)), f"empty in the Russian catalogue: {text!r}"
        assert not message.fuzzy, text


def test_translations_keep_the_places_to_fill_in(catalogue: Catalog) -> None:
    for message in catalogue:
        if not message.id:
            continue
        first = message.id[0] if isinstance(message.id, tuple) else str(message.id)
        for text in texts(message):
            assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(first)), first


def test_russian_plurals() -> None:
    count = i18n.translations("ru").ngettext
    one = "%(count)s node is not reporting. It keeps its events and sends them when it is back."
    many = "%(count)s nodes are not reporting. They keep their events and send them when they are back."
    assert [count(one, many, number).split()[1] for number in (1, 3, 5, 21)] == ["узел", "узла", "узлов", "узел"]


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "language"),
    [
        ("lang=ru", "en", "en", "ru"),
        ("", "ru", "en", "ru"),
        ("lang=xx", "", "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("", "", "de;q=0.9, en;q=0.5, ru;q=0.7", "ru"),
        ("", "xx", "fr", "en"),
        ("", "", "ru;q=0, en", "en"),
        ("", "", "ru;q=abc,,;q=1", "en"),
        ("", "", "", "en"),
    ],
)
def test_the_language_of_a_request(query: str, cookie: str, accept: str, language: str) -> None:
    headers = [(b"accept-language", accept.encode()), (b"cookie", f"{i18n.COOKIE}={cookie}".encode())]
    request = Request({"type": "http", "headers": headers, "query_string": query.encode()})
    assert i18n.choose(request) == language


def test_a_name_falls_back_to_a_language_it_has() -> None:
    assert i18n.localized({"en": "Till"}, "ru") == "Till"
    assert i18n.localized({}, "ru") == ""
