"""The empty store as its floor camera sees it, and the outlines of the furniture that can hide people."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.painting import TEXEL, BoxFaces, Painting, gondola, gradient, planks, write
from simulator.scenes.pinhole import Pinhole
from simulator.scenes.plan import Polygon, Shelf, StorePlan

Image = npt.NDArray[np.uint8]

_COUNTER_HEIGHT = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class _Solid:
    """An upright box; metres."""

    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]
    faces: BoxFaces

    def away(self, eye: tuple[float, float, float]) -> float:
        """Distance of its middle from the camera, for painting from far to near."""
        return math.dist([sum(side) / 2 for side in (self.x, self.y, self.z)], eye)


def paint_store(plan: StorePlan, camera: Pinhole, seed: int) -> Image:
    """A picture of `plan` without people."""
    rng = np.random.default_rng(seed)
    painting = Painting(camera)
    painting.surface(
        _floor(plan, rng),
        [
            (0, plan.depth, 0),
            (plan.width, plan.depth, 0),
            (plan.width, 0, 0),
            (0, 0, 0),
        ],
    )
    _ceiling(painting, plan)
    _walls(painting, plan)
    solids = [_shelf(shelf, rng) for shelf in sorted(plan.shelves, key=lambda s: -s.y1)]
    solids += [*_till(plan), *_scanner(plan)]
    eye = camera.position
    for solid in sorted(solids, key=lambda solid: -solid.away(eye)):
        painting.box(solid.x, solid.y, solid.z, solid.faces)
    return painting.finish()


def fixtures(plan: StorePlan) -> list[tuple[Polygon, float]]:
    """Footprint and height of what stands on the floor besides the shelves."""
    return [(plan.till, _COUNTER_HEIGHT), (plan.scanner_footprint, 1.22)]


def silhouette(camera: Pinhole, footprint: Polygon, height: float) -> Image:
    """Full-frame mask, 255 where an upright box stands."""
    corners = [(x, y, z) for z in (0.0, height) for x, y in footprint]
    outline = cv2.convexHull(camera.project(corners).astype(np.float32))
    mask = np.zeros((camera.size[1], camera.size[0]), np.uint8)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), 255, cv2.LINE_AA)
    return mask


def _floor(plan: StorePlan, rng: np.random.Generator) -> Image:
    """The floor from above, north up, with what lies and falls on it."""
    texture = planks((plan.width, plan.depth), (138, 165, 186), rng)
    lane = _on_floor(plan, plan.lane)
    tinted = texture.copy()
    cv2.fillPoly(tinted, [lane], (190, 150, 70), cv2.LINE_AA)
    texture = np.asarray(cv2.addWeighted(tinted, 0.45, texture, 0.55, 0), np.uint8)
    cv2.polylines(texture, [lane], True, (245, 235, 220), 5, cv2.LINE_AA)
    middle = lane.mean(axis=0).round().astype(int)
    write(texture, "CHECK-IN", (int(middle[0]), int(middle[1])), 1.1, (250, 245, 235))
    light = np.ones(texture.shape[:2], np.float32)
    for shelf in plan.shelves:
        cv2.fillPoly(light, [_on_floor(plan, shelf.footprint)], 0.35)
    cv2.fillPoly(light, [_on_floor(plan, plan.till)], 0.35)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), 0.22 * TEXEL), np.float32)
    return np.asarray(np.clip(texture * (light * _lamps(plan))[:, :, None], 0, 255), np.uint8)


def _lamps(plan: StorePlan) -> npt.NDArray[np.float32]:
    """Pools of light on the floor under two rows of ceiling lamps."""
    glow = np.zeros((round(plan.depth * TEXEL), round(plan.width * TEXEL)), np.float32)
    for x in np.arange(1.5, plan.width, 3.0):
        for y in (2.5, 6.0):
            spot = _on_floor(plan, ((x, y),))[0]
            cv2.circle(glow, (int(spot[0]), int(spot[1])), round(0.9 * TEXEL), 1.0, -1)
    glow = np.asarray(cv2.GaussianBlur(glow, (0, 0), 0.8 * TEXEL), np.float32)
    return np.asarray(0.86 + 0.26 * glow / glow.max(), np.float32)


def _on_floor(plan: StorePlan, polygon: Polygon) -> npt.NDArray[np.int32]:
    points = np.array([(x, plan.depth - y) for x, y in polygon]) * TEXEL
    return points.round().astype(np.int32)


def _ceiling(painting: Painting, plan: StorePlan) -> None:
    texture = gradient((112, 114, 116), (84, 86, 88), (plan.width, plan.depth))
    for x in np.arange(1.5, plan.width, 3.0):
        for y in (2.5, 6.0):
            spot = _on_floor(plan, ((x, y),))[0]
            half = np.array([0.55, 0.12]) * TEXEL
            low, high = (spot - half).astype(int), (spot + half).astype(int)
            cv2.rectangle(texture, (int(low[0]), int(low[1])), (int(high[0]), int(high[1])), (250, 252, 255), -1)
    high_up = plan.wall_height
    painting.surface(
        texture,
        [
            (0, plan.depth, high_up),
            (plan.width, plan.depth, high_up),
            (plan.width, 0, high_up),
            (0, 0, high_up),
        ],
    )


def _walls(painting: Painting, plan: StorePlan) -> None:
    high = plan.wall_height
    back = gradient((214, 218, 220), (188, 194, 198), (plan.width, high))
    cv2.rectangle(back, (0, round(0.5 * TEXEL)), (back.shape[1], round(0.95 * TEXEL)), (96, 62, 40), -1)
    write(back, "V I T R I N A   audio", (back.shape[1] // 2, round(0.725 * TEXEL)), 1.1, (240, 240, 240))
    cv2.rectangle(back, (0, back.shape[0] - 14), (back.shape[1], back.shape[0]), (120, 122, 125), -1)
    painting.surface(
        back,
        [
            (0, plan.depth, high),
            (plan.width, plan.depth, high),
            (plan.width, plan.depth, 0),
            (0, plan.depth, 0),
        ],
    )
    front = gradient((206, 210, 212), (180, 186, 190), (plan.width, high))
    cv2.rectangle(front, (0, front.shape[0] - 14), (front.shape[1], front.shape[0]), (120, 122, 125), -1)
    painting.surface(
        front,
        [
            (plan.width, 0, high),
            (0, 0, high),
            (0, 0, 0),
            (plan.width, 0, 0),
        ],
    )
    side = gradient((196, 200, 203), (168, 174, 178), (plan.depth, high))
    painting.surface(
        side,
        [
            (plan.width, plan.depth, high),
            (plan.width, 0, high),
            (plan.width, 0, 0),
            (plan.width, plan.depth, 0),
        ],
    )
    painting.surface(
        _entrance_wall(plan),
        [
            (0, 0, high),
            (0, plan.depth, high),
            (0, plan.depth, 0),
            (0, 0, 0),
        ],
    )


def _entrance_wall(plan: StorePlan) -> Image:
    """The left wall seen from inside: left edge at y = 0; a glass door with daylight behind it."""
    wall = gradient((200, 204, 206), (172, 178, 182), (plan.depth, plan.wall_height))
    (_, low), (_, far) = plan.entrance
    x1, x2 = round((low - 0.1) * TEXEL), round((far + 0.1) * TEXEL)
    top = round((plan.wall_height - 2.35) * TEXEL)
    day = gradient((250, 246, 238), (196, 200, 198), ((x2 - x1) / TEXEL, (wall.shape[0] - top) / TEXEL))
    wall[top : top + day.shape[0], x1 : x1 + day.shape[1]] = day[: wall.shape[0] - top, : wall.shape[1] - x1]
    for x in (x1, (x1 + x2) // 2, x2):
        cv2.line(wall, (x, top), (x, wall.shape[0]), (70, 68, 66), 7, cv2.LINE_AA)
    cv2.line(wall, (x1, top), (x2, top), (70, 68, 66), 9, cv2.LINE_AA)
    cv2.rectangle(wall, (x1, top - 34), (x2, top - 10), (60, 130, 60), -1)
    write(wall, "ENTRANCE", ((x1 + x2) // 2, top - 22), 0.55, (245, 245, 245))
    return wall


def _shelf(shelf: Shelf, rng: np.random.Generator) -> _Solid:
    long = shelf.y2 - shelf.y1 if shelf.facing[0] else shelf.x2 - shelf.x1
    front = gondola((long, shelf.height), shelf.name, rng)
    body = (92, 98, 104)
    faces = BoxFaces(body, left=front) if shelf.facing[0] else BoxFaces(body, front=front)
    return _Solid((shelf.x1, shelf.x2), (shelf.y1, shelf.y2), (0, shelf.height), faces)


def _till(plan: StorePlan) -> tuple[_Solid, ...]:
    """The counter and the screen on it."""
    (x1, y1), _, (x2, y2), _ = plan.till
    middle = (y1 + y2) / 2
    screen = (_COUNTER_HEIGHT, _COUNTER_HEIGHT + 0.3)
    return (
        _Solid((x1, x2), (y1, y2), (0, _COUNTER_HEIGHT), BoxFaces((96, 120, 150))),
        _Solid((x1 + 0.28, x1 + 0.33), (middle - 0.2, middle + 0.2), screen, BoxFaces((48, 44, 42))),
    )


def _scanner(plan: StorePlan) -> tuple[_Solid, ...]:
    """The post and the head on it."""
    x, y = plan.scanner
    return (
        _Solid((x - 0.09, x + 0.09), (y - 0.07, y + 0.07), (0, 1.05), BoxFaces((70, 66, 64))),
        _Solid((x - 0.14, x + 0.14), (y - 0.10, y + 0.10), (1.05, 1.22), BoxFaces((150, 110, 60))),
    )
