"""Groups, a queue and people of the house through the real edge, with a detector's faults and exact truth."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.badge import Badge
from contract.events import GroupEntered, LineCrossed, QueueMeasured
from edge.config import parse_config
from edge.engines import Engines
from edge.gallery import Gallery
from edge.values import Emission, Frame, Image, Instant
from edge.vision_node import Vision
from models.detections import Detections
from simulator.floor_run import cameras
from simulator.scenes.floor_eyes import FloorEyes
from simulator.scenes.floor_trade import LINE, QUEUE, SERVICE, SERVICE_M, STORE_ROOM, Trade, trade
from simulator.scenes.plan import STORE

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
FPS = 5.0


class Scripted:
    """Answers what the eyes of the camera in turn see."""

    answer = Detections.empty()

    def detect(self, frame: Image) -> Detections:
        return self.answer


@dataclass(frozen=True, slots=True)
class Played:
    truth: Trade
    told: list[Emission]

    def of(self, kind: type[Emission]) -> list[Emission]:
        return [event for event in self.told if isinstance(event, kind)]


def instant(t: float) -> Instant:
    return Instant(1000.0 + t, START + timedelta(seconds=t))


def node(engine: Scripted, key: Ed25519PrivateKey) -> Vision:
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    document = {
        "store": "floor",
        "node": "n1",
        "state_dir": "var",
        "policy": {"mode": "qr_only"},
        "trust": {"central_signing_key": public, "central_sealing_key": public},
        "cameras": [
            {
                "id": name,
                "role": "floor",
                "source": {"driver": "simulated"},
                "analysed_fps": FPS,
                "homography": view.image_to_floor().tolist(),
            }
            for name, view in cameras(2).items()
        ],
        "scanners": [{"id": "s", "source": {"driver": "simulated"}, "position": STORE.scanner_stand, "radius_m": 1.0}],
        "zones": [
            {"id": "till", "polygon": QUEUE, "kind": "queue", "service": SERVICE, "service_m": SERVICE_M},
            {"id": "store-room", "polygon": STORE_ROOM, "kind": "staff"},
            {"id": "headphones", "polygon": STORE.shelf("headphones").zone},
        ],
        "lines": [{"id": "door", "from": LINE[0], "to": LINE[1], "inside": STORE.inside}],
    }
    config = parse_config(json.dumps(document))
    gallery = Gallery(searchable=False)
    return Vision(config, "qr_only", gallery, Engines(persons=engine), instant(0), run="t", new_id=lambda: "v")


def play(truth: Trade, seed: int) -> Played:
    key, engine = Ed25519PrivateKey.generate(), Scripted()
    vision = node(engine, key)
    eyes = {name: FloorEyes(view, 77 * seed + n) for n, (name, view) in enumerate(cameras(2).items())}
    noise = np.random.default_rng(seed).integers(0, 255, (2, 720, 1280, 3), dtype=np.uint8)
    body = Badge(b"\1" * 8, int((START + timedelta(days=9)).timestamp()))
    badge = Badge(body.badge, body.not_after, key.sign(body.signed_part("floor"))).encode()
    scans = [walker.scan_at for walker in truth.walkers if walker.scan_at is not None]
    told: list[Emission] = []
    for step in range(int(truth.seconds * FPS)):
        for place, (name, eye) in enumerate(eyes.items()):
            t = step / FPS + place * 0.07
            while scans and scans[0] <= t:
                told += vision.scan("s", badge, instant(scans.pop(0)))
            engine.answer = eye.look(truth.poses(t))
            told += vision.frame(Frame(name, np.asarray(noise[step % 2], np.uint8), instant(t)))
        if step % 3 == 0:
            told += vision.tick(instant(step / FPS + 0.1))
    return Played(truth, told + vision.shutdown(instant(truth.seconds + 30)))


@pytest.fixture(scope="module")
def played() -> Played:
    return play(trade(1), 1)


@pytest.mark.slow
def test_customers_are_counted_and_people_of_the_house_are_not(played: Played) -> None:
    ways = [event.direction for event in played.of(LineCrossed) if isinstance(event, LineCrossed)]
    assert abs(ways.count("in") - played.truth.entries) <= 1
    assert abs(ways.count("out") - played.truth.exits) <= 1


@pytest.mark.slow
def test_buying_units_have_their_sizes(played: Played) -> None:
    sizes = sorted(event.size for event in played.of(GroupEntered) if isinstance(event, GroupEntered))
    assert abs(len(sizes) - len(played.truth.sizes)) <= 1
    true = list(played.truth.sizes)
    right = sum(min(sizes.count(size), true.count(size)) for size in set(true))
    assert right >= len(true) - 1, (sizes, true)


@pytest.mark.slow
def test_the_queue_is_measured(played: Played) -> None:
    minutes = [event for event in played.of(QueueMeasured) if isinstance(event, QueueMeasured)]
    waits = sorted(wait for event in minutes for wait in event.waits)
    assert abs(len(waits) - len(played.truth.waits)) <= 1, (waits, played.truth.waits)
    assert sum(event.length_mean for event in minutes) * 60 == pytest.approx(played.truth.waiting_s, rel=0.1)
    assert sum(waits) / len(waits) == pytest.approx(sum(played.truth.waits) / len(played.truth.waits), rel=0.15)
