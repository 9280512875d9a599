"""A marked queue: how many wait, and for how long, minute by minute. No ids leave.

Who stands in the zone, beyond the place of service, for `dwell_s` waits, from the first moment on. A minute is told
once all that can still change it is known: whether somebody stays long enough, or comes back within the grace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from contract.events import QueueMeasured
from edge.config.vision import ZoneConfig
from edge.floor.stays import Stay, Stays
from edge.geometry import distance, inside
from edge.values import FloorPosition, Instant, PlanPoint

_SLACK_S = 0.5
_MOST_WAITS = 100
_LONGEST_MINUTE_S = 90.0


@dataclass(frozen=True, slots=True)
class _Minute:
    """A minute of the wall clock, and when it was by the monotonic one."""

    wall: datetime
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody waited, from and until (monotonic); `over`: and has left."""

    begin: float
    end: float
    over: bool = True


class QueueStage:
    """One queue. `patience_s`: how long somebody whom no camera sees is expected back."""

    def __init__(self, zone: ZoneConfig, patience_s: float, *, calibrated: bool = True) -> None:
        self._zone = zone
        self._stays = Stays(self._waits_at, zone.grace_s)
        self._lag_s = zone.dwell_s + zone.grace_s + patience_s + _SLACK_S
        self._calibrated = calibrated
        self._known: set[str] = set()
        self._over: list[Wait] = []
        self._minutes: deque[_Minute] = deque()
        self._minute: datetime | None = None
        self._begin = 0.0
        self._busy = False

    def step(
        self, positions: Iterable[FloorPosition], now: Instant, hidden: Collection[str] = ()
    ) -> list[QueueMeasured]:
        """Positions seen now, people of the house left out."""
        seen = tuple(positions)
        newborn = {position.track for position in seen} - self._known
        self._known |= newborn
        self._stays.step(seen, now.monotonic, newborn)
        self._leave(self._stays.over(now.monotonic, hidden))
        return self.tick(now)

    def tick(self, now: Instant) -> list[QueueMeasured]:
        """Minutes of which everything is known by now."""
        self._note_minute(now)
        told: list[QueueMeasured] = []
        while self._minutes and self._minutes[0].end + self._lag_s <= now.monotonic:
            told += self._settle(self._minutes.popleft())
        return told

    def drop(self, tracks: Collection[str]) -> None:
        """People of the house, as it turns out: they never waited."""
        self._stays.take(tracks)

    def forget(self, tracks: Iterable[str]) -> None:
        """Tracks that ended."""
        self._known.difference_update(tracks)

    def close(self, now: Instant) -> list[QueueMeasured]:
        """What there is (shutdown)."""
        told = self.tick(now)
        self._leave(self._stays.close())
        if self._minute is not None:
            self._minutes.append(_Minute(self._minute, self._begin, now.monotonic))
            self._minute = None
        while self._minutes:
            told += self._settle(self._minutes.popleft())
        return told

    def _waits_at(self, point: PlanPoint) -> bool:
        zone = self._zone
        if zone.service is not None and distance(zone.service, point) <= zone.service_m:
            return False
        return inside(zone.polygon, point)

    def _leave(self, stays: Iterable[Stay]) -> None:
        waits = (Wait(stay.entered, stay.last_inside) for stay in stays)
        self._over += [wait for wait in waits if wait.end - wait.begin >= self._zone.dwell_s]

    def _note_minute(self, now: Instant) -> None:
        minute = now.wall.replace(second=0, microsecond=0)
        if minute == self._minute:
            return
        into = now.wall.second + now.wall.microsecond / 1e6
        if self._minute is not None:
            # A clock that was set cuts a minute short, or draws it out: monotonic time has neither gap nor overlap.
            end = max(self._begin, now.monotonic - into)
            self._minutes.append(_Minute(self._minute, self._begin, min(end, self._begin + _LONGEST_MINUTE_S)))
            self._begin = end
        else:
            self._begin = now.monotonic
        self._minute = minute

    def _settle(self, minute: _Minute) -> list[QueueMeasured]:
        standing = [
            Wait(stay.entered, max(stay.last_inside, minute.end), over=False)
            for _, stay in self._stays
            if stay.last_inside - stay.entered >= self._zone.dwell_s
        ]
        told = measured(self._zone.id, minute.wall, (minute.begin, minute.end), [*self._over, *standing])
        self._over = [wait for wait in self._over if wait.end > minute.end]
        busy = told.length_max > 0 or bool(told.waits)
        if not busy and not self._busy:
            return []
        self._busy = busy
        return [told if self._calibrated else told.model_copy(update={"calibrated": False})]


def measured(zone: str, minute: datetime, span: tuple[float, float], waits: Collection[Wait]) -> QueueMeasured:
    """One minute of a queue. Somebody who leaves as somebody comes makes it no longer."""
    begin, end = span
    within = [(max(wait.begin, begin), min(wait.end, end)) for wait in waits if wait.end > begin and wait.begin < end]
    present = sum(later - earlier for earlier, later in within)
    changes = sorted([(earlier, 1) for earlier, _ in within] + [(later, -1) for _, later in within])
    length = most = 0
    for _, change in changes:
        length += change
        most = max(most, length)
    left = sorted((wait for wait in waits if wait.over and begin < wait.end <= end), key=lambda wait: wait.end)
    return QueueMeasured(
        zone=zone,
        minute=minute,
        length_mean=round(present / max(end - begin, 1e-9), 3),
        length_max=most,
        length=sum(wait.begin < end and (wait.end > end or not wait.over) for wait in waits),
        waits=tuple(round(wait.end - wait.begin, 1) for wait in left[:_MOST_WAITS]),
    )
