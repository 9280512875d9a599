"""ONVIF line counters over MQTT: a message of a camera to a count. Pure.

Source: ONVIF Core Specification, "JSON event payload" and "MQTT"; Analytics Service Specification, "Line counting"
(topic tns1:RuleEngine/CountAggregation/Counter, item Count). By the book values are strings and namespace prefixes are
dropped; cameras differ, so names are compared without case and prefix, and items may stand in lists.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

LARGEST_MESSAGE = 16_384
LARGEST_COUNT = 10**12
_COUNTER = re.compile(r"(?:^|/)(?:[\w.-]+:)?CountAggregation/(?:[\w.-]+:)?Counter(?:/|$)", re.IGNORECASE)
_DEEPEST = 6


class CounterError(ValueError):
    """Not a usable message of a counter; the text says why."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a rule of a camera has counted since its last reset. `at` None: the camera did not say when."""

    rule: str
    count: int
    at: datetime | None = None


def parse_count(topic: str, payload: bytes) -> Count | None:
    """A message to a count; None for events of another kind. CounterError for a count that can not be read."""
    if len(payload) > LARGEST_MESSAGE:
        raise CounterError(f"{len(payload)} bytes, at most {LARGEST_MESSAGE}")
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        raise CounterError("not JSON") from None
    if not isinstance(message, dict):
        raise CounterError("not a JSON object")
    if not _COUNTER.search(topic) and not _COUNTER.search(str(_plain(message).get("topic", ""))):
        return None
    items = dict(_items(message))
    if "count" not in items:
        raise CounterError("no Count in it")
    rule = items.get("rule") or topic.rstrip("/").rsplit("/", 1)[-1]
    return Count(str(rule)[:200], _count(items["count"]), _time(items.get("utctime") or items.get("timestamp")))


def _plain(message: Mapping[str, object]) -> dict[str, object]:
    return {_name(key): value for key, value in message.items()}


def _name(key: str) -> str:
    """`tt:Data` and `data` are one."""
    return key.rsplit(":", 1)[-1].lower()


def _items(node: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    """Every named plain value, whether `{"Count": "3"}` or `{"Name": "Count", "Value": "3"}`."""
    if depth > _DEEPEST:
        return
    if isinstance(node, list):
        for one in node[:100]:
            yield from _items(one, depth + 1)
    elif isinstance(node, dict):
        plain = _plain(node)
        if isinstance(plain.get("name"), str) and "value" in plain:
            yield _name(str(plain["name"])), plain["value"]
        for key, value in plain.items():
            if isinstance(value, dict | list):
                yield from _items(value, depth + 1)
            elif key not in ("name", "value"):
                yield key, value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise CounterError("Count is not a number")
    if isinstance(value, str):
        text = value.strip()
        if not re.fullmatch(r"[0-9]{1,13}(\.0+)?", text, re.ASCII):
            raise CounterError("Count is not a whole number from 0")
        value = float(text)
    if not (math.isfinite(value) and value == int(value) and 0 <= value <= LARGEST_COUNT):
        raise CounterError("Count is not a whole number from 0")
    return int(value)


def _time(value: object) -> datetime | None:
    """ISO 8601; without a zone it is UTC, as the specification has it. None for anything else: the count is good."""
    if isinstance(value, bool) or not isinstance(value, str) or len(value) > 40:
        return None
    try:
        told = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    try:
        return (told if told.tzinfo is not None else told.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None
