"""The floor scene: rendered people in a store, under a camera that hangs high on the wall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.body import BODY_HEIGHT, STANDING, phase_of
from simulator.scenes.floor_backdrop import fixtures, paint_store, silhouette
from simulator.scenes.looks import LOOKS, DressedBody, dressed
from simulator.scenes.pinhole import Pinhole
from simulator.scenes.pixels import Affine, Sensor, darken, lay_over
from simulator.scenes.plan import STORE, StorePlan
from simulator.scenes.route import FloorPose, Route, Stop
from simulator.scenes.ways import passes

__all__ = ["FIGURES", "FigureTruth", "FloorPose", "FloorScene", "Route", "Stop"]

Image = npt.NDArray[np.uint8]

FIGURES = len(LOOKS)
"""How many different people can be drawn."""

_TURNS = 16
_ELEVATIONS = tuple(math.radians(degrees) for degrees in (14, 20, 27, 34))
_SPRITE_SCALE = 160.0
_FPS = 10.0


@dataclass(frozen=True, slots=True)
class FigureTruth:
    """What is really there: `box` and `foot` in pixels, position in metres, `visible` share of the figure 0..1."""

    figure: int
    box: tuple[float, float, float, float]
    foot: tuple[float, float]
    x: float
    y: float
    visible: float


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    pose: FloorPose
    body: DressedBody
    place: Affine
    depth: float
    hidden: Image | None


class FloorScene:
    """Draws `FloorPose`s into the store. One object per thread."""

    def __init__(
        self,
        plan: StorePlan = STORE,
        seed: int = 1,
        size: tuple[int, int] = (1280, 720),
        camera: Pinhole | None = None,
    ) -> None:
        x, y = plan.floor_camera
        self.plan = plan
        self.camera = camera or Pinhole((x, y, plan.camera_height), math.radians(20), 0.586 * size[0], size)
        size = self.camera.size
        self._backdrop = paint_store(plan, self.camera, seed)
        things = [(shelf.footprint, shelf.height) for shelf in plan.shelves] + fixtures(plan)
        # What stands beside or behind the camera hides nobody whom it sees.
        self._furniture = [
            (footprint, silhouette(self.camera, footprint, height))
            for footprint, height in things
            if all(self.camera.depth(x, y, 0.0) > 0.3 for x, y in footprint)
        ]
        self._shadow = _soft_disc()
        self._sensor = Sensor(size, 3.5, seed)

    @property
    def homography(self) -> npt.NDArray[np.float64]:
        """3x3, pixel (u, v, 1) to plan metres (x, y, w), last element 1."""
        return self.camera.image_to_floor()

    def render(self, t: float, people: Sequence[FloorPose]) -> Image:
        """The picture (BGR uint8) of `people` at second `t`, which only moves the noise and the light."""
        frame = self._backdrop.copy()
        placed = self._placed(people)
        for item in placed:
            self._cast_shadow(frame, item.pose, item.hidden)
        for item in placed:
            lay_over(frame, item.body.sprite, item.place, item.hidden)
        self._sensor.expose(frame, int(t * _FPS), 1 + 0.015 * math.sin(t / 7))
        return frame

    def truth(self, people: Sequence[FloorPose]) -> tuple[FigureTruth, ...]:
        """Where each figure is in the picture, far to near; those outside the picture are left out."""
        placed = self._placed(people)
        covers = [self._cover(item) for item in placed]
        found = []
        for number, (item, cover) in enumerate(zip(placed, covers, strict=True)):
            box = self._box(item)
            if box is None:
                continue
            nearer = np.zeros_like(cover)
            for other in covers[number + 1 :]:
                nearer |= other
            if item.hidden is not None:
                nearer |= item.hidden > 127
            visible = 1 - float(np.sum(cover & nearer)) / max(1.0, float(np.sum(cover)))
            foot = self.camera.project((item.pose.x, item.pose.y, 0.0))
            where = (float(foot[0]), float(foot[1]))
            found.append(FigureTruth(item.pose.figure, box, where, item.pose.x, item.pose.y, visible))
        return tuple(found)

    def _placed(self, people: Sequence[FloorPose]) -> list[_Placed]:
        placed = []
        for pose in people:
            depth = self.camera.depth(pose.x, pose.y, 0.9)
            if depth > 0.8:
                body = self._body(pose)
                placed.append(_Placed(pose, body, self._place(pose, body), depth, self._hidden(pose)))
        return sorted(placed, key=lambda item: -item.depth)

    def _body(self, pose: FloorPose) -> DressedBody:
        azimuth = self.camera.azimuth(pose.x, pose.y)
        # Facing the camera is looking back along its line of sight; positive turns towards the picture's right.
        turn = math.remainder(pose.heading - (azimuth + math.pi), 2 * math.pi)
        turn = round(turn / (2 * math.pi) * _TURNS) % _TURNS * (2 * math.pi / _TURNS)
        seen_from = self.camera.elevation(pose.x, pose.y, 0.9)
        elevation = min(_ELEVATIONS, key=lambda angle: abs(angle - seen_from))
        phase = phase_of(pose.walked) if pose.moving else STANDING
        return dressed(pose.figure % FIGURES, phase, turn, elevation, _SPRITE_SCALE)

    def _place(self, pose: FloorPose, body: DressedBody) -> Affine:
        """Sprite pixels to picture: foot on foot, crown on crown, as wide as the depth says."""
        height = LOOKS[pose.figure % FIGURES].height
        foot, crown = self.camera.project([(pose.x, pose.y, 0.0), (pose.x, pose.y, height)])
        wide = self.camera.focal / self.camera.depth(pose.x, pose.y, height / 2)
        across = wide / body.pixels_per_metre * height / BODY_HEIGHT
        elevation = self.camera.elevation(pose.x, pose.y, 0.9)
        tall = (
            body.pixels_per_metre * BODY_HEIGHT * math.cos(min(_ELEVATIONS, key=lambda angle: abs(angle - elevation)))
        )
        lean, down = (foot - crown) / tall
        linear = np.array([[across, lean], [0.0, down]])
        return np.column_stack([linear, foot - linear @ np.asarray(body.foot)])

    def _hidden(self, pose: FloorPose) -> Image | None:
        """The mask of the furniture that stands between the camera and the person, if any."""
        eye = (self.camera.position[0], self.camera.position[1])
        masks = [mask for shape, mask in self._furniture if passes(eye, (pose.x, pose.y), shape)]
        if not masks:
            return None
        together = masks[0]
        for mask in masks[1:]:
            together = np.asarray(cv2.max(together, mask), np.uint8)
        return together

    def _cast_shadow(self, frame: Image, pose: FloorPose, hidden: Image | None) -> None:
        at = np.array([(pose.x, pose.y, 0), (pose.x + 0.5, pose.y, 0), (pose.x, pose.y + 0.5, 0)])
        origin, right, away = self.camera.project(at)
        half = self._shadow.shape[0] / 2
        linear = np.column_stack([(right - origin) / half, (origin - away) / half])
        darken(frame, self._shadow, np.column_stack([linear, origin - linear @ np.array([half, half])]), hidden)

    def _box(self, item: _Placed) -> tuple[float, float, float, float] | None:
        corners = np.column_stack([item.body.hull, np.ones(len(item.body.hull))]) @ item.place.T
        width, height = self.camera.size
        left, top = np.maximum(corners.min(axis=0), 0)
        right, bottom = np.minimum(corners.max(axis=0), (width, height))
        return (float(left), float(top), float(right), float(bottom)) if left < right and top < bottom else None

    def _cover(self, item: _Placed) -> npt.NDArray[np.bool_]:
        alpha = np.ascontiguousarray(item.body.sprite[:, :, 3])
        return np.asarray(cv2.warpAffine(alpha, item.place, self.camera.size) > 127, np.bool_)


def _soft_disc(size: int = 96) -> Image:
    """A dark blot under a person, one metre across."""
    disc = np.zeros((size, size), np.float32)
    cv2.circle(disc, (size // 2, size // 2), size // 4, 1.0, -1)
    disc = np.asarray(cv2.GaussianBlur(disc, (0, 0), size / 11), np.float32)
    return np.asarray(disc * 140, np.uint8)
