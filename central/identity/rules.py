"""Identifiers as data: how each is written the same way, whom it may belong to, which values mean nothing. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["customer", "loyalty", "device", "email", "phone", "visitor"]
KINDS: tuple[Kind, ...] = ("loyalty", "device", "email", "phone", "visitor")
"""Kinds other than the customer's own id, as `external_ids` of an import name them."""
CARRIES_EVENTS: tuple[Kind, ...] = ("customer", "visitor")
"""Kinds under which events are kept before anybody is known."""
_PLACEHOLDERS = frozenset(
    {
        "null",
        "none",
        "undefined",
        "unknown",
        "anonymous",
        "guest",
        "test",
        "na",
        "n/a",
        "nan",
        "0",
        "-",
        "true",
        "false",
    }
)
_NOBODY_MAILS = frozenset({"noreply", "no-reply", "donotreply", "nomail", "noemail", "no", "mail", "email", "a", "x"})
_SAMPLE_DOMAINS = ("example.com", "example.org", "example.net", "test.com", "test.ru", "localhost")
_SHORTEST_PHONE, _LONGEST_PHONE = 8, 15


@dataclass(frozen=True, slots=True)
class Rule:
    """`limit`: customers one value may belong to; one more and it is shared: it names nobody."""

    limit: int
    normalise: Callable[[str], str | None]
    """The value as it is compared; None when it is blocked or is none."""


def plain(value: str) -> str | None:
    """An opaque id: spaces around it do not count."""
    text = unicodedata.normalize("NFKC", value).strip()
    return None if len(text) < 2 or _placeholder(text) else text


def card(value: str) -> str | None:
    """A loyalty card: spaces, dashes and case do not count."""
    text = re.sub(r"[\s\-./]", "", unicodedata.normalize("NFKC", value)).upper()
    return None if len(text) < 4 or _placeholder(text) or _counting(text) else text


def mail(value: str) -> str | None:
    """An e-mail address: case and spaces around it do not count; dots and tags are the provider's business."""
    text = unicodedata.normalize("NFKC", value).strip().removeprefix("mailto:").casefold()
    name, at, domain = text.rpartition("@")
    if not at or not name or "@" in name or "." not in domain.strip(".") or re.search(r"\s", text):
        return None
    sample = any(domain == known or domain.endswith(f".{known}") for known in _SAMPLE_DOMAINS)
    return None if sample or name in _PLACEHOLDERS | _NOBODY_MAILS else text


def phone(value: str) -> str | None:
    """E.164 as well as can be told without a country: 00 is +, the trunk 8 of 11 digits is +7."""
    text = unicodedata.normalize("NFKC", value).strip().lower().removeprefix("tel:")
    if re.search(r"[^\d\s()+\-.\u2010-\u2015]", text):
        return None
    digits = re.sub(r"\D", "", text)
    if not text.startswith("+"):
        if digits.startswith("00"):
            digits = digits[2:]
        elif len(digits) == 11 and digits.startswith("8"):
            digits = f"7{digits[1:]}"
        elif len(digits) == 10 and digits.startswith("9"):
            digits = f"7{digits}"
    if not _SHORTEST_PHONE <= len(digits) <= _LONGEST_PHONE or _counting(digits) or len(set(digits[-7:])) == 1:
        return None
    return f"+{digits}"


def _placeholder(text: str) -> bool:
    bare = re.sub(r"[^0-9a-z/]", "", text.casefold())
    return text.casefold() in _PLACEHOLDERS or bare in _PLACEHOLDERS or (bool(bare) and set(bare) == {"0"})


def _counting(text: str) -> bool:
    """All one sign, or 1234567 and the like: typed to get past a form."""
    return len(set(text)) == 1 or text in "01234567890123456789" or text in "98765432109876543210"


RULES: Mapping[Kind, Rule] = MappingProxyType(
    {
        "customer": Rule(1, plain),
        "loyalty": Rule(1, card),
        "email": Rule(1, mail),
        "phone": Rule(1, phone),
        "visitor": Rule(1, plain),
        # A family's tablet has two people at most; more is a shop's or an office's.
        "device": Rule(2, plain),
    }
)
