"""Counts of other cameras to `counter.reported`: resets, rollovers, repeats and restarts taken out.

The camera's count is only ever added to a total of our own, which begins when the node first heard of the rule (what
the camera counted before is not known to be of today) and never goes back: a reset of the camera is then no event at
all. Totals are kept in `state_dir`, so that a restart counts neither twice nor anew.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from paho.mqtt.client import topic_matches_sub
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contract.events import CounterReported
from edge.config.counters import CountedLine, CounterConfig
from edge.values import Instant
from hardware.counters.onvif import Count, CounterError, parse_count

log = logging.getLogger(__name__)

COUNTERS_FILE = "counters.json"
_EVERY_S = 60.0
_LARGEST_STEP = 20_000
_LARGEST_TOTAL = 10**9
_OVERTAKEN_S = 60.0
"""A lower count that is older than the last one by less than this was overtaken on its way; else it is a reset."""
_STATE_KEYS = ConfigDict(extra="ignore")


class Tally(BaseModel):
    """One rule: our total, and the camera's last word."""

    model_config = _STATE_KEYS
    total: int = Field(default=0, ge=0)
    last: int = Field(ge=0)
    told_at: AwareDatetime | None = None


class LineTally(BaseModel):
    """One line of one camera."""

    model_config = _STATE_KEYS
    since: AwareDatetime
    rules: dict[Literal["in", "out"], Tally] = Field(default_factory=dict)


class _State(BaseModel):
    model_config = _STATE_KEYS
    tallies: dict[str, LineTally] = Field(default_factory=dict)


@dataclass(slots=True)
class _Pace:
    told: tuple[int | None, int | None] | None = None
    told_at: float = float("-inf")


@dataclass(slots=True)
class CounterDesk:
    """Takes messages from any thread; `tick` tells what changed, at most once a minute and line."""

    counters: tuple[CounterConfig, ...]
    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    """Messages by what became of them."""
    _state: _State = field(default_factory=_State)
    _paces: dict[str, _Pace] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._state = _read(self.folder / COUNTERS_FILE) if self.counters else _State()

    @property
    def topics(self) -> tuple[str, ...]:
        """To subscribe to."""
        return tuple(dict.fromkeys(counter.topic for counter in self.counters))

    def wants(self, topic: str) -> bool:
        """Whether a message is for here."""
        return any(topic_matches_sub(counter.topic, topic) for counter in self.counters)

    def take(self, topic: str, payload: bytes, now: Instant) -> None:
        """One message; whatever is in it, nothing is raised."""
        try:
            count = parse_count(topic, payload)
        except CounterError as error:
            self._note("unreadable", f"counter message on {topic[:200]!r}: {error}")
            return
        if count is None:
            self.counts["other"] += 1
            return
        for counter in self.counters:
            counted = counter.rules.get(count.rule)
            if counted is None or not topic_matches_sub(counter.topic, topic):
                continue
            with self._lock:
                self.counts[self._add(counter, counted, count, now)] += 1
            return
        self._note("unknown_rule", f"counter rule {count.rule!r} is in no `counters` section; add it to be counted")

    def tick(self, now: Instant) -> list[CounterReported]:
        """Lines whose totals changed."""
        with self._lock:
            due = list(self._due(now))
            if due:
                self._save()
            return due

    def _due(self, now: Instant) -> Iterable[CounterReported]:
        for counter in self.counters:
            for line in sorted({counted.line for counted in counter.rules.values()}):
                tally = self._state.tallies.get(f"{counter.id}/{line}")
                if tally is None:
                    continue
                pace = self._paces.setdefault(f"{counter.id}/{line}", _Pace())
                entered, left = (tally.rules[way].total if way in tally.rules else None for way in ("in", "out"))
                if (entered, left) == pace.told or now.monotonic - pace.told_at < _EVERY_S:
                    continue
                pace.told, pace.told_at = (entered, left), now.monotonic
                yield CounterReported(
                    line=line, entered=entered, left=left, since=tally.since, device=counter.id, at=now.wall
                )

    def _add(self, counter: CounterConfig, counted: CountedLine, count: Count, now: Instant) -> str:
        """What became of it. A rule that is first heard begins at nought."""
        line = self._state.tallies.setdefault(f"{counter.id}/{counted.line}", LineTally(since=now.wall))
        tally = line.rules.get(counted.direction)
        if tally is None:
            line.rules[counted.direction] = Tally(last=count.count, told_at=count.at)
            return "begun"
        if count.count == tally.last:
            return "repeated"
        if count.count < tally.last and _overtaken(count.at, tally.told_at):
            return "overtaken"
        step = count.count - tally.last
        verdict = "counted"
        if step < 0:
            wrapped = 0 if counter.rolls_over_at is None else step + counter.rolls_over_at
            rolled = 0 < wrapped <= _LARGEST_STEP
            step, verdict = (wrapped, "rolled_over") if rolled else (count.count, "reset")
        if step > _LARGEST_STEP:
            # Nobody walks that fast: a count from before it was last reset, or another counter's.
            step, verdict = 0, "leap"
        tally.total, tally.last, tally.told_at = tally.total + step, count.count, count.at
        if tally.total > _LARGEST_TOTAL:
            line.since, line.rules = now.wall, {way: Tally(last=one.last) for way, one in line.rules.items()}
        return verdict

    def _note(self, word: str, sentence: str) -> None:
        """Said once for each kind of trouble, then only counted."""
        if not self.counts[word]:
            log.warning("%s", sentence)
        self.counts[word] += 1

    def _save(self) -> None:
        path = self.folder / COUNTERS_FILE
        fresh = path.with_suffix(".new")
        try:
            fresh.write_text(self._state.model_dump_json(), encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            self._note("unsaved", f"{path}: {error.strerror}; after a restart counters begin anew")


def _overtaken(at: datetime | None, last: datetime | None) -> bool:
    return at is not None and last is not None and timedelta(0) <= last - at <= timedelta(seconds=_OVERTAKEN_S)


def _read(path: Path) -> _State:
    try:
        return _State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _State()
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        log.error("%s: not readable (%s): counters begin anew", path.name, type(error).__name__)
        return _State()
