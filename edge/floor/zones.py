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

    def unsure(self, tracks: Collection[str], visit_of: VisitOf, now: Instant) -> list[Emission]:
        """Stays of these tracks are told again as nobody's at once, and with their name once it is certain again.

        Labels and central take back what was meant for one person as soon as they hear it.
        """
        emitted: list[Emission] = []
        for zone, stays in self._zones:
            for track, stay in stays:
                if not stay.announced or stay.visit is None or (track in tracks) == stay.withheld:
                    continue
                if stay.withheld and visit_of(track) != stay.visit:
                    continue
                stay.withheld = track in tracks
                emitted.append(self._entered(zone, stay, now))
                if stay.dwelled and not stay.withheld:
                    emitted.append(self._dwelled(zone, stay, now))
        return emitted

    @property
    def merged(self) -> int:
        """Stays that went on under another track's number."""
        return sum(stays.merged for _, stays in self._zones)

    def _within(self, zone: ZoneConfig, stay: Stay, now: Instant) -> list[Emission]:
        emitted: list[Emission] = []
        length = stay.last_inside - stay.entered
        if not stay.announced and length >= zone.enter_s:
            stay.announced = True
            emitted.append(self._entered(zone, stay, now))
        if stay.announced and not stay.dwelled and length >= zone.dwell_s:
            stay.dwelled = True
            emitted.append(self._dwelled(zone, stay, now))
        return emitted

    def _entered(self, zone: ZoneConfig, stay: Stay, now: Instant) -> ZoneEntered:
        return ZoneEntered(
            zone=zone.id,
            track=stay.name,
            visit=_told(stay),
            at=now.at(stay.entered),
            calibrated=self._calibrated,
        )

    def _dwelled(self, zone: ZoneConfig, stay: Stay, now: Instant) -> ZoneDwelled:
        return ZoneDwelled(
            zone=zone.id,
            track=stay.name,
            visit=_told(stay),
            dwell_s=round(stay.last_inside - stay.entered, 3),
            at=now.wall,
            calibrated=self._calibrated,
        )

    def _end(self, zone: ZoneConfig, stay: Stay, now: Instant) -> list[Emission]:
        if not stay.announced:
            return []
        return [
            ZoneLeft(
                zone=zone.id,
                track=stay.name,
                visit=_told(stay),
                dwell_s=round(stay.last_inside - stay.entered, 3),
                at=now.at(stay.last_inside),
                calibrated=self._calibrated,
            )
        ]


def _told(stay: Stay) -> str | None:
    return None if stay.withheld else stay.visit
