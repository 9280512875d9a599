"""The floor of the store: looks of its cameras become people, and people become stays, crossings, cells and visits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from contract.events import LineCrossed
from contract.local import FloorTracks
from edge.config.model import EdgeConfig
from edge.floor.lines import LineStage
from edge.floor.occupancy import OccupancyStage
from edge.floor.stage import FloorView
from edge.floor.zones import ZoneStage
from edge.geometry import distance
from edge.store.neighbours import shared
from edge.store.people import Look, StoreSettings, StoreView
from edge.store.tracker import StoreTracker
from edge.values import Emission, FloorPosition, Instant
from edge.visits import VisitBook

_RECENTLY_S, _FASTEST_MPS = 3.0, 1.8

Share = Callable[[FloorTracks], None]
"""Takes what this node's cameras saw, for the other nodes of the store."""


class StoreFloor:
    """One for the node. `run` makes the anonymous ids of this start differ from those of the last."""

    def __init__(self, config: EdgeConfig, run: str, visits: VisitBook, share: Share | None = None) -> None:
        cameras = [camera for camera in config.cameras if camera.role == "floor" and camera.homography is not None]
        calibrated = all(camera.calibrated for camera in cameras)
        self._visits = visits
        self._share = share
        self._delays = {camera.id: camera.delay_s for camera in cameras}
        self._tracker = StoreTracker(
            f"floor-{run}-", StoreSettings(gap_s=config.floor.gap_s), [(line.start, line.end) for line in config.lines]
        )
        self._zones = ZoneStage(config.zones, calibrated=calibrated)
        self._lines = LineStage(config.lines, calibrated=calibrated)
        self._cells = {
            camera.id: OccupancyStage(camera.id, config.floor.cell_m, calibrated=camera.calibrated)
            for camera in cameras
        }
        self._counted: dict[str, float] = {}
        self._earlier: dict[str, FloorPosition] = {}

    def look(self, camera: str, view: FloorView, now: Instant) -> list[Emission]:
        """What follows from one frame of one camera."""
        look = Look(camera, now.monotonic - self._delays[camera], view.positions, view.ended)
        self._earlier |= {position.track: position for position in view.earlier}
        store = self._tracker.step(look, self._visits.tracks())
        self._begin(store, now)
        emitted = self._told(store, now)
        for track in view.ended:
            self._earlier.pop(track, None)
        if self._share is not None and (view.positions or view.ended):
            self._share(shared(camera, view, Instant(look.at, now.at(look.at))))
        return emitted + list(self._cells[camera].step(store.positions, now, self._since(store.positions)))

    def neighbour(self, camera: str, view: FloorView, at: Instant) -> list[Emission]:
        """What follows from a look of another node's camera; its cells are that node's to count."""
        look = Look(camera, at.monotonic, view.positions, view.ended)
        store = self._tracker.step(look, self._visits.tracks())
        self._since(store.positions)
        return self._told(store, at)

    def tick(self, now: Instant) -> list[Emission]:
        """What follows from time alone."""
        emitted = self._told(self._tracker.tick(now.monotonic), now)
        for cells in self._cells.values():
            emitted += cells.tick(now)
        return emitted

    def close(self, now: Instant) -> list[Emission]:
        """End stays and minutes (shutdown)."""
        return [*self._zones.close(now), *(event for cells in self._cells.values() for event in cells.close())]

    def _begin(self, store: StoreView, now: Instant) -> None:
        """On which side of a line somebody was before the track was confirmed."""
        for camera_track, track in store.begun:
            earlier = self._earlier.get(camera_track)
            here = next((one.point for one in store.positions if one.track == track), None)
            if earlier is None or here is None:
                continue
            passed = now.monotonic - earlier.seen_at
            if passed <= _RECENTLY_S and distance(here, earlier.point) <= _FASTEST_MPS * passed:
                self._lines.step([replace(earlier, track=track)], self._visits.visit_of, now)

    def _told(self, store: StoreView, now: Instant) -> list[Emission]:
        self._visits.floor(store.positions, store.ended, now, doubted=store.doubted, suspended=store.suspended)
        self._zones.disown(store.doubted)
        crossings = self._lines.step(store.positions, self._visits.visit_of, now)
        for gone in store.gone_to:
            then = Instant(gone.seen_at, now.at(gone.seen_at))
            crossings += self._lines.step([gone], self._visits.visit_of, then)
        self._lines.forget(store.ended)
        emitted: list[Emission] = [
            *self._zones.step(store.positions, self._visits.visit_of, now, store.hidden),
            *crossings,
        ]
        for crossing in crossings:
            emitted += self._left(crossing, now)
        for track in store.ended:
            self._counted.pop(track, None)
        return emitted

    def _left(self, crossing: LineCrossed, now: Instant) -> list[Emission]:
        if crossing.direction != "out":
            return []
        self._tracker.leave(crossing.track)
        return self._visits.left(crossing.track, now)

    def _since(self, positions: Iterable[FloorPosition]) -> dict[str, float]:
        """When each track was counted last, by whichever camera: two that see the same person share the seconds."""
        before = {position.track: self._counted.get(position.track, position.seen_at) for position in positions}
        for position in positions:
            self._counted[position.track] = max(position.seen_at, before[position.track])
        return before
