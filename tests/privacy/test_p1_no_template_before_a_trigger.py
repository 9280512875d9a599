"""P1: 10,000 frames of real people without a trigger, through the real pipeline: 0 embedder calls, in every mode."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import EdgeConfig, parse_config
from edge.engines import load_engines
from edge.gallery import Gallery
from edge.policy import judge
from edge.values import Frame, Instant
from edge.vision_node import Vision

if TYPE_CHECKING:
    from contract.values import Report

FRAMES, FPS = 10_000, 30.0
WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
EMPTY_STRIP = [[0, 0.97], [1, 0.97], [1, 1], [0, 1]]
"""Of the picture; nobody's face comes so low."""
Views = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def views(group: NDArray[np.uint8]) -> Views:
    """A camera that sweeps over six people: 48 pictures 640x480, four or five faces in each."""
    turns = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    paths = [(int(300 + 300 * np.sin(turn)), int(150 + 90 * np.cos(2 * turn))) for turn in turns]
    return [np.ascontiguousarray(group[y : y + 480, x : x + 640]) for x, y in paths]


def configured(mode: str, area: list[list[float]]) -> EdgeConfig:
    key = base64.b64encode(b"k" * 32).decode()
    signed = ", document: policy.json" if mode == "open" else ""
    return parse_config(
        f"store: shop\nnode: n1\nstate_dir: var\npolicy: {{region: default, mode: {mode}{signed}}}\n"
        f"trust: {{central_signing_key: {key}, central_sealing_key: {key}, operator_key: {key}}}\n"
        "recognition: {detect_hz: 2}\ncameras:\n  - {id: door, role: entrance, source: {driver: simulated}, "
        f"read_qr: true, lane: {area}, spot: {area}}}\n"
    )


def at(seconds: float) -> Instant:
    return Instant(1000.0 + seconds, WALL + timedelta(seconds=seconds))


def sight(config: EdgeConfig, mode: Literal["qr_only", "verify", "lane", "open"], gallery: Gallery) -> Vision:
    ids = count()
    return Vision(
        config, mode, gallery, load_engines(config, mode), at(0), run="r", new_id=lambda: f"v{next(ids)}"
    )  # fmt: skip


def play(vision: Vision, views: Views, frames: int, start_s: float = 0.0) -> list[Report]:
    told: list[Report] = []
    for number in range(frames):
        # A view stays for half a second, so that faces become tracks: people who stand, not a flicker.
        told += vision.frame(Frame("door", views[number // 15 % len(views)], at(start_s + number / FPS)))
    return told


def someone() -> Gallery:
    gallery = Gallery()
    gallery.put("anna", "t1", np.random.default_rng(1).standard_normal(512).astype(np.float32), 1e9)
    return gallery


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "area", "gallery", "why"),
    [
        ("qr_only", WHOLE, someone(), None),
        ("verify", WHOLE, someone(), "no_checkin"),
        ("lane", EMPTY_STRIP, someone(), "outside_lane"),
        ("lane", WHOLE, Gallery(), "empty_gallery"),
        ("open", WHOLE, Gallery(), "empty_gallery"),
    ],
)
def test_ten_thousand_frames_without_a_trigger_never_reach_the_embedder(
    watched: Any, views: Views, mode: Any, area: list[list[float]], gallery: Gallery, why: str | None
) -> None:
    vision = sight(configured(mode, area), mode, gallery)
    assert play(vision, views, FRAMES) == []
    counters = vision.counters()
    assert (watched.calls, counters.embedder_calls, counters.landmark_calls) == (0, 0, 0)
    if why is None:
        assert counters.face_detector_calls == 0
        return
    assert counters.face_detector_calls >= 500
    assert set(counters.denied) <= {why}
    if why != "outside_lane":  # under lane the detector itself is kept to the lane
        assert counters.denied[why] >= 1000, "hardly a face was seen: the frames prove nothing"


def test_a_checkin_that_ran_out_is_no_trigger_any_more(watched: Any, views: Views) -> None:
    vision = sight(configured("verify", WHOLE), "verify", someone())
    vision._visits.checked_in("anna", vision._places["door"], at(0), claim_s=15.0)
    vision.tick(at(15.1))
    play(vision, views, 1000, start_s=15.2)
    assert watched.calls == 0
    assert vision.counters().denied["no_checkin"] > 50


def test_open_without_a_signature_is_qr_only_and_looks_at_nobody(watched: Any, views: Views) -> None:
    config = configured("open", WHOLE)
    decision = judge(config.policy, config.store, None, None, WALL)
    assert decision.mode == "qr_only"
    vision = sight(config, decision.mode, someone())
    play(vision, views, 1000)
    assert (watched.calls, vision.counters().face_detector_calls) == (0, 0)


@pytest.mark.parametrize("mode", ["lane", "open", "verify"])
def test_the_same_frames_with_a_trigger_do_reach_the_embedder(watched: Any, views: Views, mode: Any) -> None:
    """Without this the zeros above could be the zeros of a camera that sees nothing."""
    vision = sight(configured(mode, WHOLE), mode, someone())
    if mode == "verify":
        vision._visits.checked_in("anna", vision._places["door"], at(0), claim_s=15.0)
    play(vision, views, 300)
    assert watched.calls > 0
