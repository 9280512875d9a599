"""The pages in English and Russian: plain substitution, every value escaped."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from string import Template
from typing import Literal

from aiohttp import web

Language = Literal["en", "ru"]
Page = Literal["floor", "audit"]

_FOLDER = files("calibration.web") / "static"
_LANGUAGES: tuple[Language, ...] = ("en", "ru")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_NAMES = ("page.css", "floor.js", "pane.js", "tables.js", "wire.js", "audit.js", "icon.svg")


def texts(page: Page, language: Language) -> dict[str, str]:
    """All words of a page."""
    whole = json.loads((_FOLDER / f"{page}.{language}.json").read_bytes())
    return {str(key): str(value) for key, value in whole.items()}


def language_of(request: web.Request) -> Language:
    """The one asked for, else the first the browser accepts that we speak."""
    accepted = request.headers.get("Accept-Language", "").split(",")
    for wish in (request.query.get("lang", ""), *(part.split(";")[0].strip()[:2].lower() for part in accepted)):
        for language in _LANGUAGES:
            if wish == language:
                return language
    return "en"


def draw(page: Page, language: Language, settings: dict[str, object], **values: str) -> web.Response:
    """A whole page; `settings` reach its script as JSON."""
    words = texts(page, language)
    template = Template((_FOLDER / f"{page}.html").read_bytes().decode())
    script = json.dumps({**settings, "language": language, "words": words}, ensure_ascii=False)
    languages = "".join(
        f'<a href="/?lang={one}" lang="{one}"{" aria-current=true" if one == language else ""}>{one.upper()}</a>'
        for one in _LANGUAGES
    )
    text = template.substitute(
        {name: html.escape(word) for name, word in words.items()},
        **{name: html.escape(value) for name, value in values.items()},
        language=language,
        languages=languages,
        settings=script.replace("<", "\\u003c"),
    )
    return web.Response(text=text, content_type="text/html", headers={"Content-Language": language})


async def static_file(request: web.Request) -> web.StreamResponse:
    """One of our own files."""
    name = request.match_info["name"]
    if name not in _NAMES:
        raise web.HTTPNotFound
    kind = _TYPES["." + name.rpartition(".")[2]]
    return web.Response(body=(_FOLDER / name).read_bytes(), content_type=kind, charset="utf-8")
