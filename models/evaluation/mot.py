"""Ground truth and results of multiple-object tracking, in MOTChallenge's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.boxes import iou
from models.detections import Floats
from models.errors import MisconfiguredError

Ids = npt.NDArray[np.int64]
FIELDS = 7


@dataclass(frozen=True, slots=True, eq=False)
class TrackedBoxes:
    """The people of one frame: boxes Nx4 (x1, y1, x2, y2) and an identity each."""

    boxes: Floats
    ids: Ids


@dataclass(frozen=True, slots=True)
class TrackingScores:
    """HOTA (Luiten 2020), MOTA, IDF1 in 0..1 (MOTA may be negative), and identity switches."""

    hota: float
    mota: float
    idf1: float
    id_switches: int


def read_ground_truth(path: Path) -> dict[int, TrackedBoxes]:
    """Boxes by frame number (from 1). Rows whose flag is 0 are not scored. MisconfiguredError names a bad line."""
    rows: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = [float(field) for field in line.split(",")]
        except ValueError as error:
            raise MisconfiguredError(f"{path} line {number}: not numbers separated by commas") from error
        if len(values) < FIELDS:
            raise MisconfiguredError(f"{path} line {number}: expected frame,id,left,top,width,height,flag,...")
        frame, person, left, top, width, height, flag = values[:FIELDS]
        if flag != 0:
            rows.setdefault(int(frame), []).append((int(person), (left, top, left + width, top + height)))
    if not rows:
        raise MisconfiguredError(f"{path} holds no ground-truth boxes")
    return {frame: _tracked(entries) for frame, entries in rows.items()}


def _tracked(entries: Sequence[tuple[int, tuple[float, ...]]]) -> TrackedBoxes:
    return TrackedBoxes(
        np.array([box for _, box in entries], np.float32), np.array([person for person, _ in entries], np.int64)
    )


def nobody() -> TrackedBoxes:
    return TrackedBoxes(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))


def score_tracking(truth: Sequence[TrackedBoxes], found: Sequence[TrackedBoxes]) -> TrackingScores:
    """Score one sequence, frame by frame, with the reference implementation (`trackeval`, a dev package)."""
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise MisconfiguredError("tracking is scored by the `trackeval` package: install the `dev` extra") from error
    data = _trackeval_data(truth, found)
    quiet = {"PRINT_CONFIG": False}
    clear = CLEAR(quiet).eval_sequence(data)
    return TrackingScores(
        hota=float(np.mean(HOTA().eval_sequence(data)["HOTA"])),
        mota=float(clear["MOTA"]),
        idf1=float(Identity(quiet).eval_sequence(data)["IDF1"]),
        id_switches=int(clear["IDSW"]),
    )


def _trackeval_data(truth: Sequence[TrackedBoxes], found: Sequence[TrackedBoxes]) -> dict[str, object]:
    """trackeval wants identities numbered from 0 and the overlaps of each frame."""
    truth_ids, truth_count = _renumbered(truth)
    found_ids, found_count = _renumbered(found)
    return {
        "num_timesteps": len(truth),
        "num_gt_ids": truth_count,
        "num_tracker_ids": found_count,
        "num_gt_dets": sum(len(ids) for ids in truth_ids),
        "num_tracker_dets": sum(len(ids) for ids in found_ids),
        "gt_ids": truth_ids,
        "tracker_ids": found_ids,
        "similarity_scores": [
            iou(left.boxes, right.boxes).astype(np.float64) for left, right in zip(truth, found, strict=True)
        ],
    }


def _renumbered(frames: Sequence[TrackedBoxes]) -> tuple[list[Ids], int]:
    known = np.unique(np.concatenate([frame.ids for frame in frames]))
    return [np.searchsorted(known, frame.ids) for frame in frames], len(known)
