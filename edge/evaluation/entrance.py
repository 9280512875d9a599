"""`python -m edge evaluate-entrance`: a recording through the real pipeline, judged against the truth."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np

from edge.config.model import EdgeConfig
from edge.errors import NodeError
from edge.evaluation.record import TrackRecorder
from edge.evaluation.truth import Truth, read_truth
from edge.gallery import Gallery
from edge.replay import policy_at, replay, time_of
from models.evaluation.entrance import score_entrance

Report = dict[str, object]
_FOREVER = 1e12
_MS = 1e3


def evaluate_entrance(
    config: EdgeConfig,
    camera_id: str,
    video: Path,
    truth_file: Path,
    cpu_clock: Callable[[], float],
    progress: TextIO | None = None,
) -> Report:
    """The report of models.evaluation.entrance.score_entrance, and what it was made with.

    Errors: NodeError (truth, policy, photographs), ConfigError, HardwareError, models.errors.ModelError.
    """
    truth = read_truth(truth_file)
    mode = _mode(config, camera_id)
    gallery = _enrolled(config, truth, progress)
    subjects, templates = gallery.subjects, gallery.templates
    recorder = TrackRecorder()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        run = replay(config, camera_id, video, nowhere, progress, gallery, recorder, cpu_clock)
    report = score_entrance([one.appearance() for one in truth.appearances], recorder.tracks(), run.cpu_s * _MS)
    return {
        "camera": camera_id,
        "video": video.name,
        "mode": mode,
        "frames": run.frames,
        "analysed": run.analysed,
        "seconds": round(run.seconds, 3),
        "gallery": {"subjects": subjects, "templates": templates},
        **report,
        "decision_s": {f"p{percent}": _quantile(recorder.waits_s, percent) for percent in (50, 95)},
        "outcomes": dict(run.counters.decisions),
        "unrecognisable": dict(run.counters.unrecognisable),
    }


def summary(report: Report) -> str:
    """A line for people."""
    keys = ("people", "found", "right", "wrong", "strangers_named", "missed", "late", "ms_per_person")
    calls = report["embedder_calls"]
    spent = ""
    if isinstance(calls, dict):
        spent = f", embedder calls {calls['per_person']} a person, {calls['most']} at most"
    return ", ".join(f"{key.replace('_', ' ')} {report[key]}" for key in keys) + spent


def _mode(config: EdgeConfig, camera_id: str) -> str:
    camera = config.camera(camera_id)
    if camera is None:
        known = ", ".join(one.id for one in config.cameras) or "none"
        raise NodeError(f"--camera: there is no camera {camera_id!r}; cameras of this file: {known}")
    if camera.role != "entrance":
        raise NodeError(f"--camera: {camera_id} has role {camera.role}; name one with role entrance")
    decision = policy_at(config, time_of(camera))
    if decision.mode not in ("lane", "open"):
        why = f" ({decision.reason})" if decision.reason else ""
        raise NodeError(f"policy: mode {decision.mode}{why} searches for nobody; evaluate with `mode: lane`")
    return decision.mode


def _enrolled(config: EdgeConfig, truth: Truth, progress: TextIO | None) -> Gallery:
    from edge import enrol

    gallery = Gallery()
    models, _ = enrol.load_models(config)
    for name, photos in truth.people.items():
        vectors, verdicts = enrol.choose(enrol.find_photos(photos), models)
        if not vectors:
            reasons = "; ".join(f"{verdict.name}: {verdict.why}" for verdict in verdicts)
            raise NodeError(f"--truth: people.{name}: no photograph is good enough: {reasons}")
        for number, vector in enumerate(vectors):
            gallery.put(name, str(number), vector, _FOREVER)
        if progress is not None:
            print(f"{name}: {len(vectors)} templates", file=progress)
    return gallery


def _quantile(values: list[float], percent: int) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if values else None
