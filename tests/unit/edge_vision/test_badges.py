"""Badges: only central's, only of this store, only while they last; the bearer vanishes from everything told."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contract.badge import PREFIX, Badge, BadgeError, parse_badge
from contract.events import FloorOccupancy, LineCrossed
from edge.attachment import Place
from edge.badges import BadgeVerifier
from edge.config import ConfigError, EdgeConfig, parse_config
from edge.floor.stage import FloorView
from edge.store.floor import StoreFloor
from edge.values import Emission, FloorPosition, Instant
from edge.visits import VisitBook

KEY = Ed25519PrivateKey.generate()
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PUBLIC = KEY.public_key().public_bytes_raw()


def at(seconds: float, shift: float = 0.0) -> Instant:
    return Instant(1000.0 + seconds, START + timedelta(seconds=seconds + shift))


def badge(store: str = "shop", days: float = 30, key: Ed25519PrivateKey = KEY) -> str:
    body = Badge(b"12345678", int((START + timedelta(days=days)).timestamp()))
    return Badge(body.badge, body.not_after, key.sign(body.signed_part(store))).encode()


def test_a_badge_is_good_again_and_again() -> None:
    verifier = BadgeVerifier(PUBLIC, "shop", at(0))
    assert [verifier.step(badge(), at(t)) for t in (0, 1, 5000)] == [b"12345678".hex()] * 3
    assert len(badge()) <= 130


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (badge(store="other"), "forged"),
        (badge(key=Ed25519PrivateKey.generate()), "forged"),
        (badge(days=-1), "expired"),
        (badge(days=4000), "too_long"),
        (badge()[:-4], "not_a_badge"),
        (PREFIX + "%%%", "not_a_badge"),
        (PREFIX + "ü", "not_a_badge"),
        (PREFIX, "not_a_badge"),
    ],
)
def test_others_are_refused(text: str, why: str) -> None:
    verifier = BadgeVerifier(PUBLIC, "shop", at(0))
    assert verifier.step(text, at(1)) is None
    assert verifier.counts == {why: 1}


def test_what_had_run_out_stays_run_out_when_the_clock_goes_back() -> None:
    verifier = BadgeVerifier(PUBLIC, "shop", at(0))
    late = 31 * 86_400.0
    assert verifier.step(badge(), at(late)) is None
    assert verifier.step(badge(), at(late + 1, -late)) is None


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    try:
        parse_badge(PREFIX + text)
    except BadgeError:
        return
    assert len(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 80


def config(**more: object) -> EdgeConfig:
    camera = {
        "id": "c",
        "role": "floor",
        "source": {"driver": "simulated"},
        "homography": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    }
    document = {
        "store": "shop", "node": "n", "state_dir": "v", "cameras": [camera],
        "zones": [{"id": "shelf", "polygon": [[2, 0], [8, 0], [8, 4], [2, 4]]}],
        "lines": [{"id": "door", "from": [0.5, 0], "to": [0.5, 4], "inside": [3, 2]}],
    }  # fmt: skip
    return parse_config(json.dumps(document | more))


def shift(settings: EdgeConfig, badged: bool) -> list[Emission]:
    """Somebody walks in, stands at the shelf for twenty seconds and walks out."""
    numbers = iter(range(100))
    visits = VisitBook(settings.visits, lambda: f"v{next(numbers)}")
    floor = StoreFloor(settings, "t", visits)
    told: list[Emission] = []
    for tick in range(400):
        t = tick / 10
        x = 0.1 + t if t < 4 else 4.1 if t < 30 else 4.1 - (t - 30)
        if badged and tick == 15:
            visits.badged("b1", Place("scanner", (1.5, 2.0), 1.0), at(t))
        seen = (FloorPosition("c-1", (x, 2.0), 1000.0 + t),) if x > 0 else ()
        told += floor.look("c", FloorView(seen, () if seen else ("c-1",)), at(t))
        told += visits.tick(at(t))
    return told + floor.close(at(60)) + visits.shutdown(at(60))


def test_nothing_at_all_is_told_of_who_showed_a_badge() -> None:
    plain, quiet = shift(config(), badged=False), shift(config(), badged=True)
    assert {type(event).__name__ for event in plain} == {
        "LineCrossed", "ZoneEntered", "ZoneDwelled", "ZoneLeft", "GroupEntered", "FloorOccupancy",
    }  # fmt: skip
    assert next(event for event in plain if isinstance(event, LineCrossed)).direction == "in"
    assert {type(event) for event in quiet} == {FloorOccupancy}
    seconds = sum(cell[2] for event in quiet if isinstance(event, FloorOccupancy) for cell in event.cells)
    assert seconds <= 3.0, "until the badge had found its track"


def test_who_comes_in_over_a_staff_line_is_not_counted() -> None:
    line = {"id": "back", "from": [0.5, 0], "to": [0.5, 4], "inside": [3, 2], "staff": True}
    told = shift(config(lines=[line]), badged=False)
    assert {type(event) for event in told} <= {FloorOccupancy}


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({"service": [3, 2]}, "only a zone of kind queue"),
        ({"kind": "queue", "service": [30, 2]}, "more than `service_m` from the zone"),
        ({"kind": "till"}, "'area', 'queue' or 'staff'"),
    ],
)
def test_a_wrong_zone_is_named_with_its_line(zone: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=r"configuration:\d+: zones\[0\]") as error:
        config(zones=[{"id": "till", "polygon": [[2, 0], [8, 0], [8, 4], [2, 4]], **zone}])
    assert words in str(error.value)
