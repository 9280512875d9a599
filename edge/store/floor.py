"""The floor of the store: looks of its cameras become people, and people become stays, crossings, cells and visits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from contract.events import LineCrossed
from contract.local import FloorTracks
from edge.config.model import EdgeConfig
from edge.floor.arrivals import Arrivals
from edge.floor.groups import GroupStage, Walk
from edge.floor.ledger import Ledger
from edge.floor.lines import LineStage
from edge.floor.occupancy import Footprints, OccupancyStage
from edge.floor.queues import QueueStage
from edge.floor.staff import StaffRules
from edge.floor.stage import FloorView
from edge.floor.turns import Turns
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
        settings = config.floor
        self._zones = ZoneStage(config.zones, calibrated=calibrated)
        self._lines = LineStage(config.lines, calibrated=calibrated)
        self._staff_lines = frozenset(line.id for line in config.lines if line.staff)
        self._turns, self._others = Turns(settings.u_turn_s), Turns(settings.u_turn_s)
        self._ledger = Ledger(config.lines, settings.u_turn_s, calibrated=calibrated)
        self._arrivals = Arrivals()
        self._rules = StaffRules(config.zones)
        self._house: frozenset[str] = frozenset()
        self._uncounted: set[str] = set()
        self._groups = GroupStage(
            Walk(settings.group_gap_s, settings.group_walk_s, settings.u_turn_s), calibrated=calibrated
        )
        self._queues = [
            QueueStage(zone, settings.gap_s, calibrated=calibrated) for zone in config.zones if zone.kind == "queue"
        ]
        self._footprints = Footprints()
        self._cells = {
            camera.id: OccupancyStage(
                camera.id, settings.cell_m, calibrated=camera.calibrated, footprints=self._footprints
            )
            for camera in cameras
        }
        self._counted: dict[str, float] = {}
        self._earlier: dict[str, FloorPosition] = {}
        self._used = bool(self._cells)

    @property
    def crossings(self) -> dict[str, int]:
        """How people were counted, since the start (edge.floor.ledger)."""
        return dict(self._ledger.counts)

    def look(self, camera: str, view: FloorView, now: Instant) -> list[Emission]:
        """What follows from one frame of one camera."""
        look = Look(camera, now.monotonic - self._delays[camera], view.positions, view.ended)
        self._earlier |= {position.track: position for position in view.earlier}
        store = self._tracker.step(look, (*self._visits.tracks(), *self._rules.tracks))
        self._begin(store, view, now)
        emitted = self._told(store, now)
        for track in view.ended:
            self._earlier.pop(track, None)
        if self._share is not None and (view.positions or view.ended):
            self._share(shared(camera, view, Instant(look.at, now.at(look.at))))
        customers = self._customers(store.positions)
        return emitted + list(self._cells[camera].step(customers, now, self._since(customers)))

    def neighbour(self, camera: str, view: FloorView, at: Instant) -> list[Emission]:
        """What follows from a look of another node's camera; its cells are that node's to count."""
        self._used = True
        look = Look(camera, at.monotonic, view.positions, view.ended)
        store = self._tracker.step(look, (*self._visits.tracks(), *self._rules.tracks))
        self._since(store.positions)
        return self._told(store, at)

    def tick(self, now: Instant) -> list[Emission]:
        """What follows from time alone: nothing as long as no camera looks at this floor."""
        if not self._used:
            return []
        emitted = self._told(self._tracker.tick(now.monotonic), now)
        for cells in self._cells.values():
            emitted += cells.tick(now)
        return emitted

    def close(self, now: Instant) -> list[Emission]:
        """End stays and minutes (shutdown)."""
        emitted = [*self._others.close(), *self._ledger.close(now), *self._left(self._turns.close(), now)]
        emitted += self._zones.close(now) + list(self._groups.close())
        for stage in self._queues:
            emitted += stage.close(now)
        return [*emitted, *(event for cells in self._cells.values() for event in cells.close())]

    def _begin(self, store: StoreView, view: FloorView, now: Instant) -> None:
        """On which side of a line somebody was before the track was confirmed."""
        at_border = {position.track for position in view.positions if position.edge}
        for camera_track, track in store.begun:
            earlier = self._earlier.get(camera_track)
            here = next((one for one in store.positions if one.track == track), None)
            if here is None:
                continue
            if earlier is not None:
                passed = now.monotonic - earlier.seen_at
                if passed <= _RECENTLY_S and distance(here.point, earlier.point) <= _FASTEST_MPS * passed:
                    self._lines.step([replace(earlier, track=track)], self._visits.visit_of, now)
            if camera_track in at_border or (earlier is not None and earlier.edge):
                self._arrivals.begin(here, now.monotonic)

    def _told(self, store: StoreView, now: Instant) -> list[Emission]:
        # Before the visits hear of it: who crossed outwards and is gone has left, not been lost.
        emitted = self._left(self._turns.release({*store.ended, *store.doubted}), now)
        doubted = [track for track in store.doubted if track in self._visits.tracks()]
        self._visits.floor(store.positions, store.ended, now, doubted=doubted, suspended=store.suspended)
        self._rules.doubt(store.doubted)
        emitted += self._zones.unsure(store.suspended.union(store.doubted), self._visits.visit_of, now)
        self._zones.disown(store.doubted)
        emitted += self._cross(store, now)
        emitted += self._ledger.tick(now)
        emitted += self._admit_staff(store, now)
        customers = self._customers(store.positions)
        # Who may be of the house or may not, by now, is not counted, but is somebody at a shelf: a label must know.
        someone = [position for position in store.positions if position.track not in self._house]
        emitted += self._zones.step(someone, self._visits.visit_of, now, store.hidden)
        emitted += self._zones.unsure(store.suspended, self._visits.visit_of, now)
        emitted += self._groups.step(customers, now)
        for queue in self._queues:
            emitted += queue.step(customers, now, store.hidden)
        if store.ended:
            self._forget(store.ended)
        return emitted

    def _customers(self, positions: Iterable[FloorPosition]) -> tuple[FloorPosition, ...]:
        return tuple(position for position in positions if position.track not in self._uncounted)

    def _admit_staff(self, store: StoreView, now: Instant) -> list[Emission]:
        """Who is of the house now; whoever is so newly leaves what was begun as a customer."""
        self._rules.step(store.positions, now.monotonic)
        house = self._visits.staff().union(self._rules.tracks)
        fresh, self._house = house - self._house, house
        if not fresh:
            return []
        self._uncounted |= fresh
        self._turns.drop(fresh)
        self._others.drop(fresh)
        self._groups.drop(fresh)
        for queue in self._queues:
            queue.drop(fresh)
        return self._zones.drop(fresh, now)

    def _cross(self, store: StoreView, now: Instant) -> list[Emission]:
        """Crossings of this moment are noted, those that held long enough told."""
        visit_of = self._visits.visit_of
        self._lines.forget(self._ledger.cut(store.positions, store.sources, now))
        crossings = self._lines.step(store.positions, visit_of, now)
        beside = self._ledger.look(store.positions, store.sources, now, crossings, visit_of, self._uncounted)
        self._ledger.end(store.ended, now.monotonic)
        crossings += self._lines.arrived(self._arrivals.step(store.positions, now.monotonic), visit_of, now)
        crossings += self._lines.step(store.gone_to, visit_of, now)
        gone = frozenset(store.ended)
        for crossing in crossings:
            self._tracker.leave(crossing.track, crossing.direction == "out")
            if crossing.direction == "in" and crossing.line in self._staff_lines:
                self._rules.mark([crossing.track])
        counted = [one for one in crossings if one.line not in self._staff_lines and one.track not in self._uncounted]
        emitted: list[Emission] = []
        for crossing in crossings:
            if crossing not in counted and crossing.direction == "out":
                emitted += self._visits.left(crossing.track, now)
        for crossing in counted:
            if crossing.direction == "in":
                self._groups.entered(crossing.track, crossing.line, now.monotonic, crossing.at)
        held, undone = self._turns.step(counted, now.monotonic)
        self._groups.drop(crossing.track for crossing in undone)
        emitted += self._left([*held, *self._turns.release(gone)], now)
        others, _ = self._others.step([one for one in beside if one in counted], now.monotonic)
        return [*emitted, *others, *self._others.release(gone)]

    def _left(self, crossings: Iterable[LineCrossed], now: Instant) -> list[Emission]:
        """Visits that end with these crossings; the crossings themselves are the ledger's to tell."""
        outward = (crossing.visit for crossing in crossings if crossing.direction == "out")
        return [event for visit in outward for event in self._visits.exited(visit, now)]

    def _forget(self, tracks: tuple[str, ...]) -> None:
        self._lines.forget(tracks)
        self._arrivals.forget(tracks)
        self._zones.forget(tracks)
        self._rules.forget(tracks)
        self._footprints.forget(tracks)
        self._uncounted.difference_update(tracks)
        for queue in self._queues:
            queue.forget(tracks)
        for track in tracks:
            self._counted.pop(track, None)

    def _since(self, positions: Iterable[FloorPosition]) -> dict[str, float]:
        """When each track was counted last, by whichever camera: two that see the same person share the seconds."""
        before = {position.track: self._counted.get(position.track, position.seen_at) for position in positions}
        for position in positions:
            self._counted[position.track] = max(position.seen_at, before[position.track])
        return before
