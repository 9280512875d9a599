"""The page in the languages that have a consent text. Plain substitution: every value is escaped."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from types import MappingProxyType

from contract.events import PURPOSES
from edge.config.kiosk import KioskConfig, Language
from edge.kiosk.session import READING_S

_FOLDER = files("edge.kiosk") / "static"
_TYPES = {"kiosk.css": "text/css", "kiosk.js": "text/javascript", "camera.js": "text/javascript",
          "icon.svg": "image/svg+xml"}  # fmt: skip
_LANGUAGES: tuple[Language, ...] = ("en", "ru")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """As it is sent."""

    body: bytes
    content_type: str


def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


STATIC: Mapping[str, StaticFile] = MappingProxyType(
    {name: StaticFile(_read(name), kind) for name, kind in _TYPES.items()}
)


class Pages:
    """Draws the page; `texts` are the consent texts by language."""

    def __init__(self, config: KioskConfig, texts: Mapping[Language, bytes]) -> None:
        self._config = config
        self._texts = texts
        self._template = Template(_read("kiosk.html").decode())
        self._words: dict[Language, dict[str, str]] = {
            language: json.loads(_read(f"texts.{language}.json")) for language in texts
        }

    def language(self, wanted: str, accepted: str) -> Language:
        """The wanted one, else the first that the browser accepts, else the first there is."""
        asked = [wanted, *(part.split(";")[0].strip()[:2].lower() for part in accepted.split(","))]
        offered: dict[str, Language] = {language: language for language in self._texts}
        return next((offered[name] for name in asked if name in offered), next(iter(self._texts)))

    def draw(self, language: Language, *, faces: bool) -> str:
        """The whole page. Without `faces` (mode qr_only) it offers withdrawal alone."""
        words, text = self._words[language], self._texts[language]
        values = {name: html.escape(word) for name, word in words.items()}
        settings = {
            "language": language,
            "camera": self._config.camera,
            "idle": self._config.idle_s,
            "reading": max(self._config.idle_s, READING_S),
            "sha256": hashlib.sha256(text).hexdigest(),
            "words": words,
        }
        return self._template.substitute(
            values,
            language=language,
            languages=self._languages(language),
            without_faces="hidden" if faces else "",
            for_faces="" if faces else "hidden",
            consent_text=html.escape(text.decode()),
            consent_version=html.escape(self._config.consent_version),
            consent_hash=hashlib.sha256(text).hexdigest()[:12],
            switches="".join(_switch(purpose, words) for purpose in PURPOSES),
            settings=json.dumps(settings, ensure_ascii=False).replace("<", "\\u003c"),
        )

    def _languages(self, current: Language) -> str:
        if len(self._texts) < 2:
            return ""
        links = [
            f'<a href="/?lang={one}" lang="{one}"{" aria-current=true" if one == current else ""}>{one.upper()}</a>'
            for one in _LANGUAGES
            if one in self._texts
        ]
        return "".join(links)


def _switch(purpose: str, words: Mapping[str, str]) -> str:
    title, text = html.escape(words[f"{purpose}_title"]), html.escape(words[f"{purpose}_text"])
    needed = f'<em class="chip" id="needed">{html.escape(words["needed"])}</em>' if purpose == "identify" else ""
    return (
        f'<label class="switch"><strong>{title}{needed}</strong><span class="quiet">{text}</span>'
        f'<input type="checkbox" role="switch" name="{purpose}"></label>'
    )
