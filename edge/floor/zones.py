"""Stays in zones: in after `enter_s` inside, out after `grace_s` outside or unseen, dwell on the monotonic clock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from contract.events import ZoneDwelled, ZoneEntered, ZoneLeft
from edge.config.vision import ZoneConfig
from edge.geometry import inside
from edge.values import Emission, FloorPosition, Instant

VisitOf = Callable[[str], str | None]


@dataclass(slots=True)
class _Stay:
    """One track in one zone; times are monotonic."""

    entered: float
    last_inside: float
    visit: str | None = None
    announced: bool = False
    dwelled: bool = False
    outside: bool = False
    """Seen outside since."""


class ZoneStage:
    """The zones as one camera sees them."""

    def __init__(self, zones: Iterable[ZoneConfig], *, calibrated: bool = True) -> None:
        self._zones = tuple(zones)
        self._calibrated = calibrated
        self._stays: dict[tuple[str, str], _Stay] = {}

    def step(
        self, positions: Iterable[FloorPosition], visit_of: VisitOf, now: Instant, hidden: Collection[str] = ()
    ) -> list[Emission]:
        """Positions seen now, and what follows for every stay, the silent ones too.

        `hidden`: tracks nobody sees that are still expected back; their stays wait for them.
        """
        emitted: list[Emission] = []
        seen = tuple(positions)
        for zone in self._zones:
            for position in seen:
                if inside(zone.polygon, position.point):
                    emitted += self._within(zone, position, visit_of(position.track), now)
                elif (stay := self._stays.get((zone.id, position.track))) is not None:
                    stay.outside = True
            emitted += self._silent(zone, now, hidden)
        return emitted

    def close(self, now: Instant) -> list[Emission]:
        """End every stay (shutdown)."""
        return [event for key, stay in list(self._stays.items()) for event in self._end(key, stay, now)]

    def disown(self, tracks: Iterable[str]) -> None:
        """It is not certain any more who these tracks are: their stays go on without a visit."""
        lost = set(tracks)
        for (_, track), stay in self._stays.items():
            if track in lost:
                stay.visit = None

    def _within(self, zone: ZoneConfig, position: FloorPosition, visit: str | None, now: Instant) -> list[Emission]:
        stay = self._stays.setdefault((zone.id, position.track), _Stay(now.monotonic, now.monotonic))
        stay.last_inside = max(stay.last_inside, now.monotonic)
        stay.outside = False
        stay.visit = visit or stay.visit
        emitted: list[Emission] = []
        length = stay.last_inside - stay.entered
        if not stay.announced and length >= zone.enter_s:
            stay.announced = True
            emitted.append(
                ZoneEntered(
                    zone=zone.id,
                    track=position.track,
                    visit=stay.visit,
                    at=now.at(stay.entered),
                    calibrated=self._calibrated,
                )
            )
        if stay.announced and not stay.dwelled and length >= zone.dwell_s:
            stay.dwelled = True
            emitted.append(
                ZoneDwelled(
                    zone=zone.id,
                    track=position.track,
                    visit=stay.visit,
                    dwell_s=round(length, 3),
                    at=now.wall,
                    calibrated=self._calibrated,
                )
            )
        return emitted

    def _silent(self, zone: ZoneConfig, now: Instant, hidden: Collection[str]) -> list[Emission]:
        over = [
            (key, stay)
            for key, stay in self._stays.items()
            if key[0] == zone.id
            and now.monotonic - stay.last_inside > zone.grace_s
            and (stay.outside or key[1] not in hidden)
        ]
        return [event for key, stay in over for event in self._end(key, stay, now)]

    def _end(self, key: tuple[str, str], stay: _Stay, now: Instant) -> list[Emission]:
        del self._stays[key]
        if not stay.announced:
            return []
        return [
            ZoneLeft(
                zone=key[0],
                track=key[1],
                visit=stay.visit,
                dwell_s=round(stay.last_inside - stay.entered, 3),
                at=now.at(stay.last_inside),
                calibrated=self._calibrated,
            )
        ]
