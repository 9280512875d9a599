"""Which pieces of tracks are one person, and which are nobody: the cheapest story that explains them all. Pure.

Every piece is somebody who was a piece before or came in, and becomes another piece or goes out; or it is a ghost, or
a second number for somebody who has one. Costs are negative log-likelihoods (nats), and the cheapest set of chains is
an assignment of ends to beginnings: Zhang, Li and Nevatia, "Global data association for multi-object tracking using
network flows", 2008. A person enters once and leaves once, so counts follow from chains rather than from crossings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from scipy.optimize import linear_sum_assignment

from edge.floor.gates import Gate
from edge.floor.tracklets import Sight, Tracklet
from edge.geometry import distance
from edge.values import Floats, PlanPoint

HORIZON_S = 20.0
"""A piece that ended longer ago than this is not taken up again."""
_LOOK, _EXPLAINED_LOOK, _MOST = 0.5, 0.015, 14.0
"""What a look counts for being somebody; one that another's number explains; and all of them at most."""
_TOGETHER = 0.3
"""Two who are seen at once by one camera this often, of the looks at one alone, are two."""
_UNKNOWN = 4.0
"""To appear, or be lost for good, where no entrance is."""
_UNSEEN, _PER_METRE, _FREE_M = 0.7, 1.2, 0.3
"""To have passed an entrance unseen, by how far from it."""
_CAME_REACH_M, _LEFT_REACH_M = 0.6, 1.2
"""No farther than this: how somebody walked is not known at the first sight, at the last it is."""
_AT_GATE_M, _AHEAD_S, _LEAST_MPS = 0.6, 0.8, 0.3
_LINK, _PER_SECOND, _KNOWN, _KNOWN_SHARE = 1.0, 0.08, 0.3, 0.3
"""To go on as another piece; the same track's, or the same track's of a camera, costs `_KNOWN` and a share of it."""
_LIKE_PASSING = 2.0
_NEAR_M, _WIDER_MPS, _WIDEST_S, _WALK_MPS = 0.5, 0.35, 5.0, 1.6
_UNSHARED_LOOK = 0.15
_NEVER = 1e4


class Way(Enum):
    """How a chain begins or ends."""

    SEEN = auto()
    """Over a line, before our eyes."""
    UNSEEN = auto()
    """Over the nearest line, by where it was first or last seen and how it walked."""
    UNKNOWN = auto()
    OPEN = auto()
    """It goes on."""


@dataclass(frozen=True, slots=True)
class Passing:
    """One end of a chain, and the line it is about."""

    way: Way
    cost: float
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """One person, by numbers of pieces in order of time."""

    pieces: tuple[int, ...]
    entry: Passing
    exit: Passing


def ghost_cost(piece: Tracklet) -> float:
    """How much speaks against a piece being nobody."""
    explained = sum(
        counts.alone - counts.together
        for other, counts in piece.beside.items()
        if other < piece.elder and counts.together <= _TOGETHER * counts.alone
    )
    explained = min(explained, piece.looks)
    return min(_MOST, _LOOK * (piece.looks - explained) + _EXPLAINED_LOOK * explained)


def explain(pieces: Sequence[Tracklet], gates: Sequence[Gate]) -> list[Chain]:
    """The cheapest chains; pieces in none of them are nobody."""
    count = len(pieces)
    if not count:
        return []
    entries = [entry(piece, gates) for piece in pieces]
    exits = [departure(piece, gates) for piece in pieces]
    costs: Floats = np.full((2 * count, 2 * count), _NEVER)
    costs[count:, count:] = 0.0
    costs[:count, :count] = _links(pieces, [_LIKE_PASSING * (one.way is Way.UNSEEN) for one in entries])
    for row, piece in enumerate(pieces):
        costs[count + row, row] = entries[row].cost
        costs[row, count + row] = exits[row].cost
        costs[row, row] = _NEVER if piece.real else ghost_cost(piece)
    rows, columns = linear_sum_assignment(costs)
    after = {row: column for row, column in zip(rows.tolist(), columns.tolist(), strict=True) if row < count}
    ghosts = {row for row, column in after.items() if row == column}
    heads = set(range(count)) - ghosts - {column for row, column in after.items() if row != column}
    return [_chain(head, after, count, entries, exits) for head in sorted(heads)]


def _chain(head: int, after: dict[int, int], count: int, entries: Sequence[Passing], exits: Sequence[Passing]) -> Chain:
    found = [head]
    while after[found[-1]] < count:
        found.append(after[found[-1]])
    return Chain(tuple(found), entries[head], exits[found[-1]])


def entry(piece: Tracklet, gates: Sequence[Gate]) -> Passing:
    """How a piece begins if nothing goes before it."""
    if piece.came is not None:
        return Passing(Way.SEEN, 0.0, piece.came.line)
    return _unseen(piece.first.point, _ahead(piece.first.point, piece.head, -1.0), gates, _CAME_REACH_M)


def departure(piece: Tracklet, gates: Sequence[Gate]) -> Passing:
    """How it ends if nothing comes after it."""
    if piece.left is not None:
        return Passing(Way.SEEN, 0.0, piece.left.line)
    if piece.open:
        return Passing(Way.OPEN, 0.0)
    return _unseen(piece.last.point, _ahead(piece.last.point, piece.closing(), 1.0), gates, _LEFT_REACH_M)


def _unseen(point: PlanPoint, ahead: PlanPoint, gates: Sequence[Gate], reach: float) -> Passing:
    """Over the line nearest to where somebody was going to, or had come from."""
    best = Passing(Way.UNKNOWN, _UNKNOWN)
    for gate in gates:
        here, there = gate.away(point), gate.away(ahead)
        walks = (here - there) / _AHEAD_S >= _LEAST_MPS
        if here > reach or (here > _AT_GATE_M and not walks):
            continue
        cost = _UNSEEN + _PER_METRE * max(0.0, min(here, there) - _FREE_M)
        if cost <= best.cost:
            best = Passing(Way.UNSEEN, cost, gate.line)
    return best


def _ahead(point: PlanPoint, sights: Sequence[Sight], sign: float) -> PlanPoint:
    """Where somebody is who goes on for a moment as in these looks; sign -1: was before."""
    if len(sights) < 2:
        return point
    first, last = sights[0], sights[-1]
    passed = max(0.5, last.at.monotonic - first.at.monotonic)
    along = ((last.point[0] - first.point[0]) / passed, (last.point[1] - first.point[1]) / passed)
    return point[0] + sign * along[0] * _AHEAD_S, point[1] + sign * along[1] * _AHEAD_S


def _links(pieces: Sequence[Tracklet], extra: Sequence[float]) -> Floats:
    """Cost of each (row) going on as each (column). `extra`: of beginnings that look like somebody coming in."""
    costs: Floats = np.full((len(pieces), len(pieces)), _NEVER)
    for row, before in enumerate(pieces):
        if before.left is not None or before.open or before.exit_settled:
            continue
        for column, after in enumerate(pieces):
            if row == column or after.came is not None or after.entry_settled:
                continue
            costs[row, column] = _link(before, after) + (extra[column] if before.track != after.track else 0.0)
    return costs


def _link(before: Tracklet, after: Tracklet) -> float:
    """Cost of `after` being the person of `before`."""
    passed = after.begin - before.end
    if passed > HORIZON_S:
        return _NEVER
    if passed < 0:
        return _overlap(before, after)
    off = distance(before.last.point, after.first.point)
    if off > 1.0 + _WALK_MPS * passed:
        return _NEVER
    spread = _NEAR_M + _WIDER_MPS * min(passed, _WIDEST_S)
    cost = _LINK + 0.5 * (off / spread) ** 2 + _PER_SECOND * passed
    known = before.track == after.track or (passed <= _WIDEST_S and bool(before.ended_as() & after.began_as()))
    return min(cost, _KNOWN + _KNOWN_SHARE * cost) if known else cost


def _overlap(before: Tracklet, after: Tracklet) -> float:
    """Of a piece that began while the one before still lasted: one person under two numbers for a while."""
    ours, theirs = before.beside.get(after.order), after.beside.get(before.order)
    if after.begin <= before.begin or (after.end <= before.end) or before.end - after.begin > HORIZON_S:
        return _NEVER
    alone = sum(counts.alone for counts in (ours, theirs) if counts is not None)
    together = sum(counts.together for counts in (ours, theirs) if counts is not None)
    if together > _TOGETHER * alone or not alone:
        return _NEVER
    looks = before.since(after.begin) + after.until(before.end)
    return _LINK + _UNSHARED_LOOK * max(0, looks - alone - together)


__all__ = ["HORIZON_S", "Chain", "Passing", "Way", "departure", "entry", "explain", "ghost_cost"]
