"""Fakes of the models and short ways to make moments, frames and configurations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import EdgeConfig, parse_config
from edge.values import Frame, Image, Instant
from models.detections import Detections

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _instant(seconds: float, wall_shift: float = 0.0) -> Instant:
    return Instant(1000.0 + seconds, START + timedelta(seconds=seconds + wall_shift))


@pytest.fixture
def at() -> Callable[..., Instant]:
    """A moment `seconds` after the start; `wall_shift` sets the wall clock apart."""
    return _instant


@dataclass(eq=False)
class FakeLandmarks:
    five: NDArray[np.float32]


@dataclass
class FakeFaces:
    """Faces where the script says; the embedding of a face is the vector of the person at that place. Counts calls."""

    name = "fake"
    sure_score = 0.9
    people: list[tuple[tuple[float, float, float, float], NDArray[np.float32]]] = field(default_factory=list)
    score: float = 0.99
    yaw: float = 0.0
    calls: dict[str, int] = field(default_factory=lambda: {"detect": 0, "landmarks": 0, "embed": 0})
    handed_out: list[NDArray[np.float32]] = field(default_factory=list)

    def detect(self, frame: Image, region: object = None) -> Detections:
        self.calls["detect"] += 1
        boxes = np.array([box for box, _ in self.people], np.float32).reshape(-1, 4)
        return Detections(boxes, np.full(len(boxes), self.score, np.float32))

    def landmarks(self, frame: Image, box: NDArray[np.float32]) -> FakeLandmarks:
        self.calls["landmarks"] += 1
        middle = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
        near = [box for box, _ in self.people if box[0] <= middle[0] <= box[2] and box[1] <= middle[1] <= box[3]]
        x1, y1, x2, y2 = near[0] if near else (float(part) for part in box)
        w, h = x2 - x1, y2 - y1
        eye = 0.4 * w
        mid = (x1 + x2) / 2
        nose = mid + 0.6 * eye * np.tan(np.radians(self.yaw))
        points = [
            (mid - eye / 2, y1 + 0.4 * h),
            (mid + eye / 2, y1 + 0.4 * h),
            (nose, y1 + 0.575 * h),
            (mid - eye / 2, y1 + 0.75 * h),
            (mid + eye / 2, y1 + 0.75 * h),
        ]
        return FakeLandmarks(np.array(points, np.float32))

    def align(self, frame: Image, five: NDArray[np.float32]) -> Image:
        """The crop carries the number of the person, so that `embed` can tell."""
        centre = five.mean(axis=0)
        distances = [abs((box[0] + box[2]) / 2 - centre[0]) for box, _ in self.people]
        return np.full((112, 112, 3), int(np.argmin(distances)), np.uint8)

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        self.calls["embed"] += len(crops)
        vectors = np.stack([self.people[int(crop[0, 0, 0])][1] for crop in crops]).copy()
        self.handed_out.append(vectors)
        return vectors

    def forget_faces(self) -> None:
        self.calls["forget_faces"] = self.calls.get("forget_faces", 0) + 1


@pytest.fixture
def faces() -> FakeFaces:
    return FakeFaces()


@dataclass
class FakePersons:
    """People where the script says."""

    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    score: float = 0.9

    def detect(self, frame: Image) -> Detections:
        found = np.array(self.boxes, np.float32).reshape(-1, 4)
        return Detections(found, np.full(len(found), self.score, np.float32))


@pytest.fixture
def persons() -> FakePersons:
    return FakePersons()


def _vector(seed: int, towards: NDArray[np.float32] | None = None, share: float = 0.0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed).standard_normal(512).astype(np.float32)
    random /= np.linalg.norm(random)
    if towards is None:
        return random
    random -= (random @ towards) * towards
    random /= np.linalg.norm(random)
    mixed = share * towards + np.sqrt(1 - share**2) * random
    return np.asarray(mixed, np.float32)


@pytest.fixture
def vector() -> Callable[..., NDArray[np.float32]]:
    """A unit vector; with `towards` and `share`, one of exactly that cosine with another."""
    return _vector


_NOISE = np.random.default_rng(7).integers(0, 255, (4, 240, 320, 3), dtype=np.uint8)


@pytest.fixture
def picture() -> Callable[..., Frame]:
    """A lively 320x240 frame of a camera."""

    def make(seconds: float, camera: str = "door", number: int = 0) -> Frame:
        return Frame(camera, _NOISE[number % 4], _instant(seconds))

    return make


STORE = """
store: shop
node: n1
state_dir: var
policy: {{region: default, mode: {mode}}}
recognition: {{detect_hz: 20}}
cameras:
  - id: door
    role: entrance
    source: {{driver: simulated}}
    position: [2, 1]
    lane: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]
    spot: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]
  - id: floor
    role: floor
    source: {{driver: simulated}}
    homography: [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]
scanners:
  - {{id: desk, source: {{driver: simulated}}, position: [2, 1]}}
zones:
  - {{id: shelf, polygon: [[1, 1], [2, 1], [2, 2], [1, 2]], enter_s: 0.5, grace_s: 1.0, dwell_s: 3}}
lines:
  - {{id: entrance, from: [0, 0.5], to: [4, 0.5], inside: [1, 2]}}
"""


@pytest.fixture
def store() -> Callable[[str], EdgeConfig]:
    """A whole small configuration under a mode."""
    return lambda mode: parse_config(STORE.format(mode=mode))
