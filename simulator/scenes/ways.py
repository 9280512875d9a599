"""Ways round the furniture: the shortest path on the plan that keeps clear of shelves and counters.

A visibility graph over the inflated corners of the furniture, searched with Dijkstra's algorithm.
"""

from __future__ import annotations

import heapq
import math

from simulator.scenes.plan import Point, Polygon, StorePlan

CLEARANCE = 0.35
"""Metres kept from furniture and walls by the middle of a body."""


def way(plan: StorePlan, start: Point, goal: Point) -> tuple[Point, ...]:
    """Points to walk through from `start` to `goal`, both included; ValueError when there is no way."""
    boxes = [_grown(footprint, CLEARANCE) for footprint in obstacles(plan)]
    blocks = [_grown(footprint, CLEARANCE - 0.02) for footprint in obstacles(plan)]
    corners = [corner for box in boxes for corner in box if _free(plan, corner, blocks)]
    nodes = [start, goal, *corners]
    best = {0: 0.0}
    before: dict[int, int] = {}
    queue = [(0.0, 0)]
    while queue:
        length, node = heapq.heappop(queue)
        if node == 1:
            return _unwound(nodes, before)
        if length > best[node]:
            continue
        for other, point in enumerate(nodes):
            reached = length + math.dist(nodes[node], point)
            if reached < best.get(other, math.inf) and not any(passes(nodes[node], point, b) for b in blocks):
                best[other], before[other] = reached, node
                heapq.heappush(queue, (reached, other))
    raise ValueError(f"no way from {start} to {goal}: does one of them stand in the furniture?")


def obstacles(plan: StorePlan) -> tuple[Polygon, ...]:
    """Footprints of everything that stands on the floor."""
    return (*(shelf.footprint for shelf in plan.shelves), plan.till, plan.scanner_footprint)


def passes(a: Point, b: Point, box: Polygon) -> bool:
    """Whether the straight way from `a` to `b` goes through an axis-parallel rectangle (slab method)."""
    low, high = 0.0, 1.0
    for axis in (0, 1):
        near, far = min(corner[axis] for corner in box), max(corner[axis] for corner in box)
        step = b[axis] - a[axis]
        if abs(step) < 1e-9:
            if not near <= a[axis] <= far:
                return False
            continue
        ends = (near - a[axis]) / step, (far - a[axis]) / step
        low, high = max(low, min(ends)), min(high, max(ends))
    return low < high


def _grown(footprint: Polygon, by: float) -> Polygon:
    xs, ys = [x for x, _ in footprint], [y for _, y in footprint]
    x1, x2, y1, y2 = min(xs) - by, max(xs) + by, min(ys) - by, max(ys) + by
    return ((x1, y1), (x2, y1), (x2, y2), (x1, y2))


def _free(plan: StorePlan, point: Point, blocks: list[Polygon]) -> bool:
    x, y = point
    inside = CLEARANCE <= x <= plan.width - CLEARANCE and CLEARANCE <= y <= plan.depth - CLEARANCE
    return inside and not any(b[0][0] < x < b[2][0] and b[0][1] < y < b[2][1] for b in blocks)


def _unwound(nodes: list[Point], before: dict[int, int]) -> tuple[Point, ...]:
    path = [1]
    while path[-1] != 0:
        path.append(before[path[-1]])
    return tuple(nodes[node] for node in reversed(path))
