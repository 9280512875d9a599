"""Detections with the truth beside them: a street on film, and an invented crowd of which everything is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.evaluation.mot import TrackedBoxes, nobody, read_ground_truth
from models.evaluation.persons import video_frames
from models.persons import load_person_detector
from models.weights import default_weights_dir

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
VIDEO, TRUTH = DATA / "video" / "TUD-Campus.mp4", DATA / "gt" / "TUD-Campus" / "gt.txt"
PEOPLE, SECONDS, CROWD_FPS = 30, 30, 10.0
WIDTH, HEIGHT, HORIZON = 1280.0, 720.0, 120.0
MISSED, FALSE_A_FRAME, JITTER, COVERED = 0.05, 0.3, 0.02, 0.65
Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Scene:
    """Frames are (seconds, boxes Nx4, scores N)."""

    name: str
    fps: float
    frames: list[tuple[float, Floats, Floats]] = field(default_factory=list)
    truth: list[TrackedBoxes] = field(default_factory=list)

    def add(self, at: float, boxes: Floats, scores: Floats, truth: TrackedBoxes) -> None:
        self.frames.append((at, boxes, scores))
        self.truth.append(truth)

    def write(self, path: Path) -> None:
        """For another process."""
        frames = [(at, boxes.tolist(), scores.tolist()) for at, boxes, scores in self.frames]
        path.write_text(json.dumps({"fps": self.fps, "frames": frames}))


def street() -> Scene | str:
    """TUD-Campus through our detector; a sentence when it is not here."""
    if not VIDEO.is_file():
        return "../shared/data is absent: no street to track people in"
    detector, truth, scene = (
        load_person_detector(default_weights_dir()),
        read_ground_truth(TRUTH),
        Scene("street", 25.0),
    )
    for number, (frame, at) in enumerate(video_frames(VIDEO), 1):
        found = detector.detect(frame)
        scene.add(at, found.boxes.astype(np.float64), found.scores.astype(np.float64), truth.get(number, nobody()))
    return scene


def crowd(seed: int = 4) -> Scene:
    """People who wander, stop and hide each other; some are missed, a few are seen who are not there."""
    chance, scene = np.random.default_rng(seed), Scene("crowd of 30", CROWD_FPS)
    for at, boxes in _walks(chance):
        shown = chance.random(PEOPLE) >= MISSED
        shown &= _hidden_share(boxes) < COVERED
        noise = chance.normal(0, JITTER, (PEOPLE, 4)) * (boxes[:, 3] - boxes[:, 1])[:, None]
        ghosts = _ghosts(chance)
        seen = np.concatenate([(boxes + noise)[shown], ghosts])
        scores = np.concatenate([chance.beta(6, 3, int(shown.sum())), chance.uniform(0.2, 0.55, len(ghosts))])
        kept = scores >= 0.2
        ids = np.arange(PEOPLE, dtype=np.int64)
        scene.add(at, seen[kept], scores[kept], TrackedBoxes(boxes.astype(np.float32), ids))
    return scene


def _walks(chance: np.random.Generator) -> Iterator[tuple[float, Floats]]:
    """Feet on a floor that runs to a horizon: who is further up is smaller and slower in the picture."""
    low, high = np.array([60.0, 260.0]), np.array([WIDTH - 60.0, HEIGHT - 20.0])
    feet = chance.uniform(low, high, (PEOPLE, 2))
    heading, pace = chance.uniform(0, 2 * np.pi, PEOPLE), chance.uniform(0.2, 0.6, PEOPLE)
    for number in range(round(SECONDS * CROWD_FPS)):
        tall = (feet[:, 1] - HORIZON) * 0.45
        yield (
            number / CROWD_FPS,
            np.stack([feet[:, 0] - tall * 0.2, feet[:, 1] - tall, feet[:, 0] + tall * 0.2, feet[:, 1]], axis=1),
        )
        heading += chance.normal(0, 0.12, PEOPLE)
        resting = chance.random(PEOPLE) < 0.01
        pace = np.where(resting, chance.choice([0.0, 0.4], PEOPLE), pace)
        step = np.stack([np.cos(heading), 0.4 * np.sin(heading)], axis=1) * (pace * tall / CROWD_FPS)[:, None]
        heading = np.where(((feet + step < low) | (feet + step > high)).any(axis=1), heading + np.pi, heading)
        feet = np.clip(feet + step, low, high)


def _hidden_share(boxes: Floats) -> Floats:
    """Largest share of each box that somebody nearer stands before."""
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    shared = np.clip(sides, 0, None).prod(axis=2) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None]
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    return np.asarray((shared * nearer).max(axis=1))


def _ghosts(chance: np.random.Generator) -> Floats:
    count = int(chance.poisson(FALSE_A_FRAME))
    corner = chance.uniform([0, 150], [WIDTH - 80, HEIGHT - 200], (count, 2))
    return np.concatenate([corner, corner + chance.uniform([30, 80], [80, 190], (count, 2))], axis=1)
