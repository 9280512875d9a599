"""A simulated floor through the edge's own vision, and what came of it beside what was true.

`python -m simulator.floor_run --seeds 1 2 3 [--cameras 2] [--fps 5] [--rendered] [--report FILE]`. `--rendered`: the
real detector on drawn pictures (kept, see `simulator.floor_detections`) instead of a simulated one. Exit code 1 when
something does not hold: a count, a dwell time, a name on somebody else's stay, an identity that vanished unreported.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from contract.events import LineCrossed, VisitEnded, ZoneLeft
from edge.config import EdgeConfig, parse_config
from edge.engines import Engines
from edge.gallery import Gallery
from edge.motion import overview
from edge.values import Emission, Frame, Image, Instant
from edge.vision_node import Vision
from hardware.cameras.base import Picture
from models.detections import Detections
from simulator.floor_detections import Glimpse, RecordedEyes, record
from simulator.observations import ExpectedStay, StaySeen
from simulator.report import match_stays, percentile
from simulator.scenes.floor_day import LINE, FloorDay, Walker, floor_day
from simulator.scenes.floor_eyes import FloorEyes, second_camera
from simulator.scenes.pinhole import Pinhole
from simulator.scenes.plan import STORE
from simulator.scenes.route import Route
from simulator.simulated_checkin import Customers

COUNT_ERROR, DWELL_ERROR_S = 0.02, 1.0
_START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
_FIRST = 1000.0
_TICK_S = 0.5
_OUT_OF_STEP = 0.37
"""Cameras are not in step with each other: each is later than the one before by this share of a step."""
_AFTERWARDS_S = 40.0
"""A crossing may be told as late as this."""
_PASSING_S = 1.5
"""True stays shorter than this may be reported or not: the zones' hysteresis."""

_FOOT_ERROR_M = 0.4

Show = Callable[[str, float], Picture]


@dataclass(frozen=True, slots=True)
class FloorReport:
    """One seed. Counts are crossings of the line; dwell errors are of stays that were reported."""

    seed: int
    crossings: int
    counted_in: int
    counted_out: int
    count_error: float
    stays: int
    reported: int
    unreported: int
    dwell_error_p50_s: float | None
    dwell_error_p95_s: float | None
    checkins: int
    attached: int
    ambiguous_at_checkin: int
    names_kept: float
    """Share of the true stays of people who were attached that carry the name."""
    wrong_names: int
    """Stays and crossings told with somebody else's name."""
    doubted: int
    lost: int
    vanished: int
    """Identities that were attached, and neither left by the door, nor are live, nor were reported lost."""
    passed: bool
    violations: tuple[str, ...]


def cameras(count: int) -> dict[str, Pinhole]:
    """The floor camera over the front wall, and one in the opposite corner."""
    size = (1280, 720)
    front = Pinhole((*STORE.floor_camera, STORE.camera_height), math.radians(20), 0.586 * size[0], size)
    return dict(list({"front": front, "corner": second_camera(size)}.items())[:count])


def configuration(views: dict[str, Pinhole], customers: Customers, fps: float) -> EdgeConfig:
    """A node with floor cameras, a check-in scanner, the zones of the shelves and the counting line."""
    document = {
        "store": "floor",
        "node": "n1",
        "state_dir": "var",
        "policy": {"mode": "qr_only"},
        "trust": {"central_signing_key": customers.signing_key, "central_sealing_key": customers.signing_key},
        "cameras": [
            {
                "id": name,
                "role": "floor",
                "source": {"driver": "simulated"},
                "analysed_fps": fps,
                "homography": view.image_to_floor().tolist(),
            }
            for name, view in views.items()
        ],
        "scanners": [
            {
                "id": "check-in",
                "source": {"driver": "simulated"},
                "position": list(STORE.scanner_stand),
                "radius_m": 1.0,
            }
        ],
        "zones": [{"id": shelf.id, "polygon": [list(corner) for corner in shelf.zone]} for shelf in STORE.shelves],
        "lines": [{"id": "door", "from": list(LINE[0]), "to": list(LINE[1]), "inside": list(STORE.inside)}],
    }
    return parse_config(json.dumps(document))


class _Scripted:
    """A person engine that answers what the eyes of the camera in turn see."""

    def __init__(self) -> None:
        self.answer = Detections.empty()

    def detect(self, frame: Image) -> Detections:
        return self.answer


def run_floor(seed: int, *, count: int = 2, fps: float = 5.0, people: int = 30, seconds: float = 1200.0) -> FloorReport:
    """One day with simulated detections."""
    day = floor_day(seed, people, seconds)
    views = cameras(count)
    eyes = {name: FloorEyes(view, 1000 * seed + number) for number, (name, view) in enumerate(views.items())}
    engine = _Scripted()
    pictures = _noise(seed)
    run = FloorRun(day, views, Engines(persons=engine), fps, seed)

    def show(name: str, t: float) -> Glimpse:
        engine.answer = eyes[name].look(day.poses(t))
        return pictures[int(t * fps) % 2]

    return run.run(show)


def _noise(seed: int) -> tuple[Glimpse, Glimpse]:
    """Two pictures in which everything moves; the motion gate needs no more of them than their overviews."""
    blank = np.zeros((720, 1280, 3), np.uint8)
    noise = np.random.default_rng(seed).integers(0, 255, (2, *blank.shape), dtype=np.uint8)
    size = (blank.shape[1], blank.shape[0])
    first, second = (Glimpse(_small(np.asarray(picture, np.uint8)), blank, size) for picture in noise)
    return first, second


def _small(picture: Image) -> Image:
    grey = overview(picture)
    assert grey is not None, "noise is a picture"
    return grey.astype(np.uint8)


def run_rendered(
    seed: int,
    *,
    count: int = 2,
    fps: float = 5.0,
    people: int = 30,
    seconds: float = 1200.0,
    folder: Path | None = None,
) -> FloorReport:
    """One day drawn, and seen by the real person detector; slow the first time (simulator.floor_detections)."""
    day = floor_day(seed, people, seconds)
    views = cameras(count)
    frames = np.arange(int(day.seconds * fps)) / fps
    times = {name: frames + place * _OUT_OF_STEP / fps for place, name in enumerate(views)}
    eyes = RecordedEyes(record(day, views, times, folder))
    return FloorRun(day, views, Engines(persons=eyes), fps, seed).run(eyes.show)


class FloorRun:
    """Plays a day into `Vision`. `Show` gives the picture of a camera at a second."""

    def __init__(self, day: FloorDay, views: dict[str, Pinhole], engines: Engines, fps: float, seed: int) -> None:
        self._day = day
        self._fps = fps
        self._seed = seed
        self._names = tuple(views)
        self._customers = Customers([walker.name for walker in day.walkers if walker.scan_at is not None])
        numbers = iter(range(10**9))
        config = configuration(views, self._customers, fps)
        self.vision = Vision(
            config, "qr_only", Gallery(searchable=False), engines, self._instant(0.0), run="sim",
            new_id=lambda: f"v{next(numbers)}",
        )  # fmt: skip
        self._told: list[tuple[float, Emission]] = []

    def run(self, show: Show) -> FloorReport:
        """The whole day."""
        scans = sorted((w for w in self._day.walkers if w.scan_at is not None), key=lambda w: w.scan_at or 0.0)
        next_tick = 0.0
        step = 1.0 / self._fps
        for number in range(int(self._day.seconds * self._fps)):
            for place, name in enumerate(self._names):
                t = number * step + place * step * _OUT_OF_STEP
                while scans and (scans[0].scan_at or 0.0) <= t:
                    self._scan(scans.pop(0))
                self._note(t, self.vision.frame(Frame(name, show(name, t), self._instant(t))))
                if t >= next_tick:
                    next_tick = t + _TICK_S
                    self._note(t, self.vision.tick(self._instant(t)))
        for late in np.arange(_TICK_S, _AFTERWARDS_S, _TICK_S).tolist():
            end = self._day.seconds + late
            self._note(end, self.vision.tick(self._instant(end)))
        return judge(self._seed, self._day, self._told, self._customers, self.vision)

    def _scan(self, walker: Walker) -> None:
        t = walker.scan_at or 0.0
        now = self._instant(t)
        self._note(t, self.vision.scan("check-in", self._customers.code(walker.name, now.wall), now))

    def _note(self, t: float, events: list[Emission]) -> None:
        self._told += [(t, event) for event in events]

    @staticmethod
    def _instant(t: float) -> Instant:
        return Instant(_FIRST + t, _START + timedelta(seconds=t))


def judge(
    seed: int, day: FloorDay, told: Sequence[tuple[float, Emission]], customers: Customers, vision: Vision
) -> FloorReport:
    """What was told against what was true."""
    who = customers.visits(event for _, event in told)
    lines = [event for _, event in told if isinstance(event, LineCrossed)]
    inwards = sum(event.direction == "in" for event in lines)
    true_in = sum(crossing.inwards for crossing in day.crossings)
    true_out = len(day.crossings) - true_in
    count_error = (abs(inwards - true_in) + abs(len(lines) - inwards - true_out)) / len(day.crossings)
    expected = [ExpectedStay(stay.zone, stay.begin, stay.end, stay.person) for stay in day.stays]
    seen = [
        StaySeen(e.zone, (e.at - _START).total_seconds(), e.dwell_s, who.get(e.visit or ""))
        for _, e in told
        if isinstance(e, ZoneLeft)
    ]
    pairs = match_stays([stay for stay in expected if stay.end - stay.begin >= _PASSING_S], seen)
    errors = [abs(found.dwell_s - (stay.end - stay.begin)) for stay, found in pairs if found is not None]
    wrong = _wrong_stays(day, seen) + _wrong_crossings(day, told, who)
    counts = vision.counters().visits
    named = set(who.values())
    of_named = [found for stay, found in pairs if stay.person in named]
    report = FloorReport(
        seed=seed,
        crossings=len(day.crossings),
        counted_in=inwards,
        counted_out=len(lines) - inwards,
        count_error=round(count_error, 4),
        stays=len(pairs),
        reported=sum(found is not None for _, found in pairs),
        unreported=sum(found is None for _, found in pairs),
        dwell_error_p50_s=percentile(errors, 0.5),
        dwell_error_p95_s=percentile(errors, 0.95),
        checkins=len(who),
        attached=counts["attached"],
        ambiguous_at_checkin=counts["ambiguous"],
        names_kept=round(sum(f is not None and f.person is not None for f in of_named) / max(1, len(of_named)), 4),
        wrong_names=wrong,
        doubted=counts["identity_doubted"],
        lost=counts["identity_lost"],
        vanished=_vanished(told, vision),
        passed=True,
        violations=(),
    )
    found = tuple(violations(report))
    return FloorReport(**{**asdict(report), "passed": not found, "violations": found})


def violations(report: FloorReport) -> list[str]:
    """What does not hold, a sentence each."""
    found: list[str] = []
    if report.count_error > COUNT_ERROR:
        found.append(f"count: {report.counted_in} in, {report.counted_out} out of {report.crossings} crossings")
    if report.dwell_error_p95_s is None or report.dwell_error_p95_s > DWELL_ERROR_S:
        found.append(f"dwell: error p95 {report.dwell_error_p95_s} s, at most {DWELL_ERROR_S} s")
    if report.wrong_names:
        found.append(f"identity: {report.wrong_names} stays or crossings under somebody else's name")
    if report.vanished:
        found.append(f"identity: {report.vanished} vanished without being reported lost")
    return found


def _wrong_stays(day: FloorDay, seen: Sequence[StaySeen]) -> int:
    """Stays told with a name whose owner was not even near that zone for half of the time told."""
    routes = {walker.name: walker.route for walker in day.walkers}
    wrong = 0
    for stay in seen:
        if stay.person is None:
            continue
        times = np.linspace(stay.end - stay.dwell_s, stay.end, max(3, round(stay.dwell_s / 0.2))).tolist()
        near = sum(_near(routes[stay.person], stay.zone, t) for t in times)
        wrong += near < 0.5 * len(times)
    return wrong


def _vanished(told: Sequence[tuple[float, Emission]], vision: Vision) -> int:
    """Every attachment ends in one of three ways that are told or counted."""
    counts = vision.counters().visits
    exits = sum(isinstance(event, VisitEnded) and event.reason == "exit" for _, event in told)
    return counts["attached"] - counts["identity_lost"] - exits - counts["carried"]


def _near(route: Route, zone: str, t: float) -> bool:
    """Whether the person is inside the zone of a shelf, or as near to it as a foot point may be wrong."""
    pose = route.pose(t)
    if pose is None:
        return False
    xs, ys = zip(*STORE.shelf(zone).zone, strict=True)
    away = max(min(xs) - pose.x, pose.x - max(xs), 0.0), max(min(ys) - pose.y, pose.y - max(ys), 0.0)
    return math.hypot(*away) <= _FOOT_ERROR_M


def _wrong_crossings(day: FloorDay, told: Sequence[tuple[float, Emission]], who: dict[str, str]) -> int:
    wrong = 0
    for _, event in told:
        person = who.get(event.visit or "") if isinstance(event, LineCrossed) else None
        if person is not None and isinstance(event, LineCrossed):
            at = (event.at - _START).total_seconds()
            wrong += not any(c.person == person and abs(c.at - at) <= 3.0 for c in day.crossings)
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """Run seeds, print one line each."""
    parser = argparse.ArgumentParser(prog="python -m simulator.floor_run", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--cameras", type=int, choices=(1, 2), default=2)
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=1200.0)
    parser.add_argument("--rendered", action="store_true", help="the real detector on drawn pictures")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args(arguments)
    play = run_rendered if options.rendered else run_floor
    reports = []
    for seed in options.seeds:
        report = play(seed, count=options.cameras, fps=options.fps, people=options.people, seconds=options.seconds)
        reports.append(asdict(report))
        print(json.dumps(asdict(report)), flush=True)
    if options.report is not None:
        options.report.write_text(json.dumps(reports, indent=1), encoding="utf-8")
    return 0 if all(report["passed"] for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
