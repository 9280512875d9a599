"""Plane geometry on plain tuples: polygons have few corners and are asked about a few times a frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]


def inside(polygon: Sequence[Point], point: Point) -> bool:
    """Even-odd rule; a point that is not finite is outside."""
    x, y = point
    if not (math.isfinite(x) and math.isfinite(y)):
        return False
    found = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            found = not found
        x1, y1 = x2, y2
    return found


def distance(first: Point, second: Point) -> float:
    """Euclidean."""
    return math.hypot(first[0] - second[0], first[1] - second[1])


def side(start: Point, end: Point, point: Point) -> float:
    """Signed distance of a point from the line through start and end; positive on the right on a plan (y down)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    return (dx * (point[1] - start[1]) - dy * (point[0] - start[0])) / math.hypot(dx, dy)


def segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments ab and cd cross or touch."""

    def turn(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return turn(a, b, c) * turn(a, b, d) <= 0 and turn(c, d, a) * turn(c, d, b) <= 0
