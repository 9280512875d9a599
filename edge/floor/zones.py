"""Stays in zones: in after `enter_s` inside, out after `grace_s` outside or unseen, dwell on the monotonic clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from contract.events import ZoneDwelled, ZoneEntered, ZoneLeft
from edge.config.vision import ZoneConfig
from edge.floor.stays import Stay, Stays, VisitOf
from edge.geometry import inside
from edge.values import Emission, FloorPosition, Instant


class ZoneStage:
    """The zones of the store. Those of people of the house (kind staff) tell nothing."""

    def __init__(self, zones: Iterable[ZoneConfig], *, calibrated: bool = True) -> None:
        self._zones = [
            (zone, Stays(partial(inside, zone.polygon), zone.grace_s)) for zone in zones if zone.kind != "staff"
        ]
        self._calibrated = calibrated
        self._known: set[str] = set()

    def step(
        self, positions: Iterable[FloorPosition], visit_of: VisitOf, now: Instant, hidden: Collection[str] = ()
    ) -> list[Emission]:
        """Positions seen now, and what follows for every stay, the silent ones too.

        `hidden`: tracks nobody sees that are still expected back; their stays wait for them.
        """
        emitted: list[Emission] = []
        seen = tuple(positions)
        newborn = {position.track for position in seen} - self._known
        self._known |= newborn
        for zone, stays in self._zones:
            for stay in stays.step(seen, now.monotonic, newborn, visit_of):
                emitted += self._within(zone, stay, now)
            emitted += [event for stay in stays.over(now.monotonic, hidden) for event in self._end(zone, stay, now)]
        return emitted

    def close(self, now: Instant) -> list[Emission]:
        """End every stay (shutdown)."""
        return [event for zone, stays in self._zones for stay in stays.close() for event in self._end(zone, stay, now)]

    def drop(self, tracks: Collection[str], now: Instant) -> list[Emission]:
        """These turn out not to be customers: their stays end here."""
        return [
            event for zone, stays in self._zones for stay in stays.take(tracks) for event in self._end(zone, stay, now)
        ]

    def forget(self, tracks: Iterable[str]) -> None:
        """Tracks that ended; their stays end by the grace."""
        self._known.difference_update(tracks)

    def disown(self, tracks: Iterable[str]) -> None:
        """It is not certain any more who these tracks are: their stays go on without a visit."""
        lost = set(tracks)
        for _, stays in self._zones:
            for track, stay in stays:
                if track in lost:
                    stay.visit = None

    @property
    def merged(self) -> int:
        """Stays that went on under another track's number."""
        return sum(stays.merged for _, stays in self._zones)

    def _within(self, zone: ZoneConfig, stay: Stay, now: Instant) -> list[Emission]:
        emitted: list[Emission] = []
        length = stay.last_inside - stay.entered
        if not stay.announced and length >= zone.enter_s:
            stay.announced = True
            emitted.append(
                ZoneEntered(
                    zone=zone.id,
                    track=stay.name,
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
                    track=stay.name,
                    visit=stay.visit,
                    dwell_s=round(length, 3),
                    at=now.wall,
                    calibrated=self._calibrated,
                )
            )
        return emitted

    def _end(self, zone: ZoneConfig, stay: Stay, now: Instant) -> list[Emission]:
        if not stay.announced:
            return []
        return [
            ZoneLeft(
                zone=zone.id,
                track=stay.name,
                visit=stay.visit,
                dwell_s=round(stay.last_inside - stay.entered, 3),
                at=now.at(stay.last_inside),
                calibrated=self._calibrated,
            )
        ]
