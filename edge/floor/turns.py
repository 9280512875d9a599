"""U-turns at a line: in and out again within a few seconds was no crossing. Every crossing waits that long. Pure.

Out and in again is counted: within seconds it is mostly one person who leaves and another who comes in beside, under
one number of the tracker.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from contract.events import LineCrossed


@dataclass(frozen=True, slots=True)
class _Waiting:
    crossing: LineCrossed
    since: float


class Turns:
    """`within_s` 0: nothing waits."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self.undone = 0

    def step(self, crossings: Iterable[LineCrossed], now: float) -> tuple[list[LineCrossed], list[LineCrossed]]:
        """Crossings of this moment (monotonic). Those that hold from now on, and those that turned out to be half
        of a U-turn: of each pair the later one."""
        told = self._due(now)
        back: list[LineCrossed] = []
        for crossing in crossings:
            key = (crossing.line, crossing.track)
            before = self._waiting.pop(key, None)
            if before is not None and (before.crossing.direction, crossing.direction) == ("in", "out"):
                self.undone += 1
                back.append(crossing)
                continue
            if before is not None:
                told.append(before.crossing)
            if self._within_s <= 0:
                told.append(crossing)
            else:
                self._waiting[key] = _Waiting(crossing, now)
        return told, back

    def release(self, tracks: Collection[str]) -> list[LineCrossed]:
        """Of tracks that can not come back any more."""
        return [self._waiting.pop(key).crossing for key in list(self._waiting) if key[1] in tracks]

    def drop(self, tracks: Collection[str]) -> None:
        """Of people who are not counted."""
        self._waiting = {key: one for key, one in self._waiting.items() if key[1] not in tracks}

    def close(self) -> list[LineCrossed]:
        """All (shutdown)."""
        return self.release({track for _, track in self._waiting})

    def _due(self, now: float) -> list[LineCrossed]:
        due = [key for key, one in self._waiting.items() if now - one.since >= self._within_s]
        return [self._waiting.pop(key).crossing for key in due]
