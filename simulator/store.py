"""What the shop is configured with: the import file of central and the YAML of the edge node. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hardware.labels.virtual import KINDS, VirtualTag
from simulator.cast import CONSENT_VERSION, Cast, LabelEntry, Person, consent_sha256
from simulator.scenes.plan import STORE, Point
from simulator.script import DWELL_S

PURPOSES = ("identify", "profile", "personal_price", "consultant_alert", "analytics")
ENTRANCE_CAMERA, FLOOR_CAMERA, SCANNER = "entrance", "floor", "check-in"
SILENCE_S = 20.0
"""A visit that was not seen to leave ends this long after it was last seen, before the same person comes again."""
USABLE_FACE_PX = 60
"""Smaller faces are those of people still in the street: who is recognised stands in the shop, in the consent lane."""
RECOGNISED_AT: Point = (1.1, 5.5)
"""Where a person is on the plan when the face reaches that width."""
LINE: tuple[Point, Point] = ((0.8, 4.3), (0.8, 6.15))
"""The counting line: a step inside the door, where the floor camera sees people whole."""

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where the edge finds things: known only once the children are up."""

    broker: str
    access_point: str
    scanner_port: str
    entrance: Json
    """Camera options of the entrance (driver and the rest)."""
    floor_url: str
    homography: Sequence[Sequence[float]]
    lane: Sequence[Sequence[float]]
    signing_key: str
    sealing_key: str


def purposes_of(person: Person) -> dict[str, bool]:
    """What this customer agreed to."""
    return {purpose: purpose != "personal_price" or person.personal_price for purpose in PURPOSES}


def virtual_tags(cast: Cast) -> list[VirtualTag]:
    """The labels that hang in the store."""
    return [VirtualTag(label.address, hw_type=label.hw_type, alias=label.id) for label in cast.labels]


def import_document(cast: Cast, at: datetime) -> Json:
    """The JSON that `python -m central import` takes."""
    return {
        "store": {
            "id": cast.store.id,
            "name": cast.store.name,
            "region": cast.store.region,
            "currency": cast.store.currency,
            "language": cast.store.language,
            "timezone": cast.store.timezone,
            "plan": {"width_m": STORE.width, "height_m": STORE.depth},
            "zones": [
                {"id": shelf.id, "name": {"en": shelf.name, "ru": shelf.name_ru}, "polygon": _points(shelf.zone)}
                for shelf in STORE.shelves
            ],
            "lines": [{"id": "door", "start": list(LINE[0]), "end": list(LINE[1])}],
            "cameras": [
                {"id": ENTRANCE_CAMERA, "node": cast.store.node, "position": list(_lane_middle())},
                {"id": FLOOR_CAMERA, "node": cast.store.node, "position": list(STORE.floor_camera)},
            ],
            "labels": [_label(cast, label) for label in cast.labels],
        },
        "products": [dict(product) for product in cast.products],
        "customers": [_customer(person, at) for person in cast.people if person.name],
        "pricing": dict(cast.pricing),
    }


def _label(cast: Cast, label: LabelEntry) -> Json:
    kind = KINDS[label.hw_type]
    return {
        "id": label.id,
        "node": cast.store.node,
        "zone": label.zone,
        "sku": label.sku,
        "width_px": kind.width,
        "height_px": kind.height,
        "position": list(STORE.shelf(label.zone).label),
    }


def _customer(person: Person, at: datetime) -> Json:
    """Who is known by face gives consent when enrolled at the store; who shows a code gave it on the web site."""
    consents: Json | None = None
    if person.kind == "qr":
        consents = {
            "purposes": purposes_of(person),
            "text_version": CONSENT_VERSION,
            "text_sha256": consent_sha256(),
            "channel": "import",
            "at": at.isoformat(),
        }
    return {
        "id": person.id,
        "subject": person.subject,
        "name": person.name,
        "language": person.language,
        "interests": list(person.interests),
        "bonuses_minor": person.bonuses_minor,
        "discount_share": person.discount_share,
        "external_ids": {},
        "consents": consents,
    }


def edge_document(cast: Cast, wiring: Wiring) -> Json:
    """The node's configuration, to be written as YAML beside its state."""
    return {
        "store": cast.store.id,
        "node": cast.store.node,
        "state_dir": "edge-state",
        "broker": {"urls": [wiring.broker]},
        "trust": {"central_signing_key": wiring.signing_key, "central_sealing_key": wiring.sealing_key},
        "policy": {"region": "eu", "mode": "lane"},
        "recognition": {"min_face_px": USABLE_FACE_PX},
        "cameras": [
            {
                "id": ENTRANCE_CAMERA,
                "role": "entrance",
                "source": wiring.entrance,
                "position": list(RECOGNISED_AT),
                "radius_m": 1.2,
                "lane": [list(point) for point in wiring.lane],
            },
            {
                "id": FLOOR_CAMERA,
                "role": "floor",
                "source": {"driver": "http", "url": wiring.floor_url},
                "homography": [list(row) for row in wiring.homography],
            },
        ],
        "scanners": [
            {
                "id": SCANNER,
                "source": {"driver": "serial", "port": wiring.scanner_port},
                "position": list(STORE.scanner_stand),
                "radius_m": 1.0,
            }
        ],
        "zones": [{"id": shelf.id, "polygon": _points(shelf.zone), "dwell_s": DWELL_S} for shelf in STORE.shelves],
        "lines": [
            {
                "id": "door",
                "from": list(LINE[0]),
                "to": list(LINE[1]),
                "inside": list(STORE.inside),
            }
        ],
        "labels": {
            "source": {"driver": "openepaperlink", "url": wiring.access_point},
            "map": [{"id": label.id, "address": label.address, "zone": label.zone} for label in cast.labels],
        },
        "visits": {"silence_s": SILENCE_S},
    }


def entrance_source(video: str | None, scene_url: str) -> Json:
    """Camera options of the entrance: the scene, or what the operator put in its place (address, webcam, file)."""
    if video is None:
        return {"driver": "http", "url": scene_url}
    if video.isdigit():
        return {"driver": "webcam", "device": int(video)}
    if video.startswith("/dev/video"):
        return {"driver": "webcam", "device": video}
    if video.startswith(("rtsp://", "rtsps://")):
        return {"driver": "rtsp", "url": video}
    if video.startswith(("http://", "https://")):
        return {"driver": "http", "url": video}
    return {"driver": "file", "path": video, "pace": "realtime", "loop": True}


def _points(polygon: Sequence[Point]) -> list[list[float]]:
    return [[round(x, 3), round(y, 3)] for x, y in polygon]


def _lane_middle() -> Point:
    xs, ys = [x for x, _ in STORE.lane], [y for _, y in STORE.lane]
    return sum(xs) / len(xs), sum(ys) / len(ys)
