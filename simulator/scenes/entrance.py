"""The entrance scene: people with real faces walk in through a doorway, towards the camera and past it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.body import BODY_HEIGHT, Part, draw_body, phase_of
from simulator.scenes.catalogue import PEOPLE
from simulator.scenes.entrance_backdrop import paint_entrance
from simulator.scenes.footage import Footage
from simulator.scenes.heads import FACE_CENTRE, FACE_WIDTH, HeadLoop
from simulator.scenes.looks import OUTFITS, DressedBody, Look, dress
from simulator.scenes.pinhole import Pinhole
from simulator.scenes.pixels import Affine, Sensor, darken, lay_over
from simulator.scenes.turning import STRAIGHT, Gaze, moved, turned

__all__ = ["EntranceScene", "EntranceWalker", "FaceTruth"]

Image = npt.NDArray[np.uint8]

_FAR, _NEAR = 8.2, 1.15
"""Distance from the camera where a walker comes into being (in the street) and is gone, metres."""
_TURN_AT = 2.3
_FACE_METRES = 0.158
"""Width of the detector's face box on a grown-up."""
_FACE_HEIGHT = 1.60
"""Height of the middle of the face above the floor, for a body of BODY_HEIGHT."""
_SHUTTER = 1 / 100
_FPS = 15.0
_SPRITE_SCALE = 330.0


@dataclass(frozen=True, slots=True)
class EntranceWalker:
    """Somebody who comes in at `start` seconds, `lane` metres right of the axis, at `speed` m/s."""

    identity: str
    start: float
    lane: float = 0.0
    speed: float = 1.15

    @property
    def duration(self) -> float:
        """Seconds until out of the picture."""
        return (_FAR - _NEAR) / self.speed

    def position(self, t: float) -> tuple[float, float] | None:
        """Metres right of the camera and away from it; None before and after the walk."""
        walked = (t - self.start) * self.speed
        if not 0 <= walked < _FAR - _NEAR:
            return None
        y = _FAR - walked
        # Close to the camera people turn off into the shop, to the side they are on.
        off = max(0.0, (_TURN_AT - y) / (_TURN_AT - _NEAR))
        side = 1.0 if self.lane >= 0 else -1.0
        sway = 0.02 * math.sin(walked / 1.4 * 2 * math.pi)
        return self.lane + sway + side * 0.85 * off**1.6, y

    def gaze(self, t: float) -> Gaze:
        """Where the head is turned at second `t`; into the camera, beyond what the footage does."""
        return STRAIGHT


@dataclass(frozen=True, slots=True)
class FaceTruth:
    """A face that is really there: its box and width in pixels, `visible` share of it in the picture 0..1."""

    identity: str
    box: tuple[float, float, float, float]
    width: float
    visible: float
    gaze: Gaze = STRAIGHT


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    walker: EntranceWalker
    x: float
    y: float
    walked: float
    head: HeadLoop
    face: tuple[float, float]
    """Pixel of the middle of the face."""
    width: float
    tilt: float
    gaze: Gaze


class EntranceScene:
    """Draws `EntranceWalker`s into the doorway. One object per thread."""

    def __init__(
        self, footage: Footage, seed: int = 1, size: tuple[int, int] = (1280, 720), shutter: float = _SHUTTER
    ) -> None:
        """`shutter`: seconds for which a picture is exposed, during which everything that moves is smeared."""
        self._shutter = shutter
        self.camera = Pinhole((0.0, 0.0, 1.95), math.radians(8.5), 1.06 * size[0], size)
        self._footage = footage
        self._backdrop = paint_entrance(self.camera, seed)
        self._sensor = Sensor(size, 3.0, seed)
        self._bodies: dict[tuple[str, int], DressedBody] = {}
        self._shadow = _blot()

    @property
    def lane(self) -> tuple[tuple[float, float], ...]:
        """The check-in lane as image fractions 0..1 (x, y): faces of people who walk in it lie inside."""
        corners = [(side * 0.95, y, z) for side in (-1, 1) for y, z in ((6.0, 2.0), (1.6, 1.95), (1.6, 1.3))]
        width, height = self.camera.size
        outline = cv2.convexHull(self.camera.project(corners).astype(np.float32)).reshape(-1, 2)
        outline = np.clip(outline / (width, height), 0, 1)
        return tuple((round(float(x), 4), round(float(y), 4)) for x, y in outline)

    def render(self, t: float, walkers: Sequence[EntranceWalker]) -> Image:
        """The picture (BGR uint8) at second `t`."""
        frame = self._backdrop.copy()
        for seen in self._seen(t, walkers):
            self._draw(frame, seen, t)
        self._sensor.expose(frame, int(t * _FPS), 1 + 0.02 * math.sin(t / 5))
        return frame

    def truth(self, t: float, walkers: Sequence[EntranceWalker]) -> tuple[FaceTruth, ...]:
        """Faces at second `t`, far to near; those wholly outside the picture are left out."""
        found = []
        seen = self._seen(t, walkers)
        boxes = [self._face_box(item, t) for item in seen]
        for number, (item, box) in enumerate(zip(seen, boxes, strict=True)):
            visible = self._share_inside(box) * (1 - max((_overlap(box, b) for b in boxes[number + 1 :]), default=0.0))
            if visible > 0:
                found.append(FaceTruth(item.walker.identity, box, item.width, visible, item.gaze))
        return tuple(found)

    def _seen(self, t: float, walkers: Sequence[EntranceWalker]) -> list[_Seen]:
        seen = []
        for walker in walkers:
            at = walker.position(t)
            if at is not None:
                seen.append(self._look_at(walker, at, (t - walker.start) * walker.speed))
        return sorted(seen, key=lambda item: -item.y)

    def _look_at(self, walker: EntranceWalker, at: tuple[float, float], walked: float) -> _Seen:
        x, y = at
        head = self._footage.head(walker.identity)
        height = _outfit(walker.identity).height
        bob = 0.018 * math.cos(walked / 0.7 * 2 * math.pi)
        middle = self.camera.project((x, y, _FACE_HEIGHT * height / BODY_HEIGHT + bob))
        width = self.camera.focal * _FACE_METRES / self.camera.depth(x, y, 1.6)
        tilt = 0.02 * math.sin(walked / 1.4 * 2 * math.pi)
        gaze = walker.gaze(walker.start + walked / walker.speed)
        return _Seen(walker, x, y, walked, head, (float(middle[0]), float(middle[1])), width, tilt, gaze)

    def _draw(self, frame: Image, seen: _Seen, t: float) -> None:
        scale = seen.width / FACE_WIDTH
        body = self._body(seen.walker.identity, seen.head, phase_of(seen.walked))
        blur = self._blur(seen)
        self._ground(frame, seen)
        lay_over(frame, body.sprite, self._place_body(seen, body), blur=blur)
        number = seen.head.index(t - seen.walker.start)
        half = scale < 0.55
        sprite = seen.head.halves[number] if half else seen.head.frames[number]
        if not seen.gaze.straight:
            sprite = turned(sprite, seen.gaze)
        lay_over(frame, sprite, _place_head(seen, scale * 2 if half else scale, 0.5 if half else 1.0), blur=blur)

    def _place_body(self, seen: _Seen, body: DressedBody) -> Affine:
        """Hang the body under the head; perspective makes what is nearer the floor a little smaller."""
        scale = seen.width / (_FACE_METRES * body.pixels_per_metre)
        neck = np.array([body.foot[0], body.foot[1] - _FACE_HEIGHT * body.pixels_per_metre])
        foot = self.camera.project((seen.x, seen.y, 0.0))
        down = (foot - np.array(seen.face)) / (body.foot[1] - neck[1])
        linear = np.array([[scale, down[0]], [0.0, down[1]]])
        return np.column_stack([linear, np.array(seen.face) - linear @ neck])

    def _ground(self, frame: Image, seen: _Seen) -> None:
        at = [(seen.x, seen.y, 0), (seen.x + 0.5, seen.y, 0), (seen.x, seen.y + 0.5, 0)]
        origin, right, away = self.camera.project(at)
        half = self._shadow.shape[0] / 2
        linear = np.column_stack([(right - origin) / half, (origin - away) / half])
        darken(frame, self._shadow, np.column_stack([linear, origin - linear @ np.array([half, half])]))

    def _blur(self, seen: _Seen) -> tuple[int, int]:
        """Box kernel as long as the face moves while the shutter is open."""
        then = seen.walker.start + seen.walked / seen.walker.speed + self._shutter
        at = seen.walker.position(then)
        if at is None:
            return (1, 1)
        later = self._look_at(seen.walker, at, seen.walked + seen.walker.speed * self._shutter)
        (x1, y1), (x2, y2) = _middle(seen), _middle(later)
        return 1 + round(abs(x2 - x1)), 1 + round(abs(y2 - y1))

    def _body(self, identity: str, head: HeadLoop, phase: int) -> DressedBody:
        key = (identity, phase)
        if key not in self._bodies:
            look = _outfit(identity)
            palette = look.palette()
            palette[Part.SKIN] = head.skin
            drawn = draw_body(look.build, phase, 0.0, 0.08, _SPRITE_SCALE, head=False)
            self._bodies[key] = dress(drawn, palette)
        return self._bodies[key]

    def _face_box(self, seen: _Seen, t: float) -> tuple[float, float, float, float]:
        number = seen.head.index(t - seen.walker.start)
        half_height = seen.head.face_heights[number] * seen.width / FACE_WIDTH / 2
        x, y = _middle(seen)
        return (x - seen.width / 2, y - half_height, x + seen.width / 2, y + half_height)

    def _share_inside(self, box: tuple[float, float, float, float]) -> float:
        width, height = self.camera.size
        return _overlap(box, (0.0, 0.0, float(width), float(height)))


def _middle(seen: _Seen) -> tuple[float, float]:
    """Pixel of the middle of the face, turned as it is."""
    across, down = moved(seen.gaze)
    return seen.face[0] + across * seen.width, seen.face[1] + down * seen.width


def _place_head(seen: _Seen, scale: float, size: float) -> Affine:
    cos_t, sin_t = scale * math.cos(seen.tilt), scale * math.sin(seen.tilt)
    linear = np.array([[cos_t, -sin_t], [sin_t, cos_t]])
    return np.column_stack([linear, np.array(seen.face) - linear @ (np.array(FACE_CENTRE) * size)])


def _overlap(box: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Share of `box` that `other` covers."""
    wide = min(box[2], other[2]) - max(box[0], other[0])
    tall = min(box[3], other[3]) - max(box[1], other[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    return wide * tall / ((box[2] - box[0]) * (box[3] - box[1]))


def _outfit(identity: str) -> Look:
    """What somebody wears, always the same."""
    number = list(PEOPLE).index(identity) if identity in PEOPLE else crc32(identity.encode())
    return OUTFITS[number % len(OUTFITS)]


def _blot(size: int = 96) -> Image:
    disc = np.zeros((size, size), np.float32)
    cv2.circle(disc, (size // 2, size // 2), size // 4, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(disc, (0, 0), size / 10) * 120, np.uint8)
