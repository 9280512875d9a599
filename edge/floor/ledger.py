"""Everybody who comes in is counted in once and out once: the book of who is in the store. Pure; anonymous.

A crossing is told `u_turn_s` after it when nothing speaks against it. Where tracks were hidden, exchanged or doubled
it waits until what came after is known, at most `SETTLED_S`: then the cheapest story of `links` decides. It may drop a
crossing (of a ghost, or of a second number for the same person) and may add one nobody saw (of somebody who is first
seen walking away from a line, or was last seen walking to it). Both are counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from contract.events import LineCrossed
from edge.config.vision import LineConfig
from edge.floor.gates import Gate
from edge.floor.links import HORIZON_S, Chain, Passing, Way, explain, ghost_cost
from edge.floor.stays import VisitOf
from edge.floor.tracklets import Passage, Tracklet, Tracklets
from edge.values import FloorPosition, Instant

SETTLED_S = HORIZON_S + 5.0
"""This long after it, what a moment means is decided for good."""
_EVERY_S = 1.0
_SURE = 6.0
"""Nats against being nobody: about twelve looks of one's own."""

_KNOWN = (Way.SEEN, Way.UNSEEN)

Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class _Person:
    """A chain with its pieces."""

    chain: Chain
    pieces: tuple[Tracklet, ...]

    @property
    def first(self) -> Tracklet:
        return self.pieces[0]

    @property
    def last(self) -> Tracklet:
        return self.pieces[-1]

    @property
    def house(self) -> bool:
        return any(piece.house for piece in self.pieces)

    def turned(self, within_s: float) -> bool:
        """Came in and went out again at once."""
        came, left = self.chain.entry.way in _KNOWN, self.chain.exit.way in _KNOWN
        return came and left and _left_at(self.last).monotonic - _came_at(self.first).monotonic <= within_s


class Ledger:
    """One for the store.

    `counts`: in, out (told); in_unseen, out_unseen (of those, nobody saw the crossing); ghosts (crossings seen that
    were nobody's); turned (in and out again at once).
    """

    def __init__(self, lines: Iterable[LineConfig], u_turn_s: float, *, calibrated: bool = True) -> None:
        self._gates = tuple(Gate.of(line) for line in lines)
        self._staff = frozenset(gate.line for gate in self._gates if gate.staff)
        self._u_turn_s = u_turn_s
        self._calibrated = calibrated
        self._tracklets = Tracklets(self._gates)
        self._pieces: list[Tracklet] = []
        self._due = -math.inf
        self.counts: Counter[str] = Counter()

    def cut(self, positions: Sequence[FloorPosition], sources: Sequence[str], at: Instant) -> set[str]:
        """First of all at every look: tracks that can not have walked from where they were to here."""
        return self._tracklets.cut(positions, sources, at) if self._gates else set()

    def look(
        self,
        positions: Sequence[FloorPosition],
        sources: Sequence[str],
        at: Instant,
        crossings: Iterable[LineCrossed],
        visit_of: VisitOf,
        house: Collection[str],
    ) -> list[LineCrossed]:
        """Then what was seen, by which tracks of the camera, and who crossed a line by it.

        Crossings that are not those of somebody who comes into the store or leaves it (of a second line inside) are
        given back: they are not the book's to judge.
        """
        mine: dict[str, tuple[bool, Passage]] = {}
        others: list[LineCrossed] = []
        for crossing in crossings:
            inwards = crossing.direction == "in"
            if self._tracklets.carries(crossing.track) == inwards or crossing.track in mine:
                others += [crossing] if len(self._gates) > 1 else []
            else:
                mine[crossing.track] = inwards, Passage(crossing.line, at, crossing.visit)
                self._due = min(self._due, at.monotonic + (self._u_turn_s if inwards else 0.0))
        if self._gates:
            self._pieces += self._tracklets.look(positions, sources, at, mine, visit_of, house)
        return others

    def end(self, tracks: Collection[str], now: float) -> None:
        """Tracks that ended."""
        self._tracklets.end(tracks, now)

    def tick(self, now: Instant) -> list[LineCrossed]:
        """What is certain by now."""
        if not self._pieces or now.monotonic < self._due:
            return []
        self._due = now.monotonic + _EVERY_S
        return self._settle(now, now.monotonic - SETTLED_S)

    def close(self, now: Instant) -> list[LineCrossed]:
        """Decide everything (shutdown)."""
        return self._settle(now, math.inf)

    def _settle(self, now: Instant, settled: float) -> list[LineCrossed]:
        chains = explain(self._pieces, self._gates)
        told: list[LineCrossed] = []
        kept: set[int] = set()
        for chain in chains:
            person = _Person(chain, tuple(self._pieces[number] for number in chain.pieces))
            told += self._tell(person, now.monotonic, settled)
            kept |= self._shorten(chain, settled)
        real = {number for chain in chains for number in chain.pieces}
        for number, piece in enumerate(self._pieces):
            if number not in real:
                if piece.open or piece.end > settled:
                    kept.add(number)
                else:
                    self.counts["ghosts"] += (piece.came is not None) + (piece.left is not None)
        self._pieces = [piece for number, piece in enumerate(self._pieces) if number in kept]
        return sorted(told, key=lambda crossing: crossing.at)

    def _shorten(self, chain: Chain, settled: float) -> set[int]:
        """Which pieces of a chain may still change; those that can not any more become one with the next."""
        kept: set[int] = set()
        for number, after in zip(chain.pieces, (*chain.pieces[1:], None), strict=True):
            piece = self._pieces[number]
            if piece.open or piece.end > settled:
                kept.add(number)
            elif after is not None:
                self._pieces[after].follow(piece)
        return kept

    def _tell(self, person: _Person, now: float, settled: float) -> list[LineCrossed]:
        told: list[LineCrossed] = []
        first, last, chain = person.first, person.last, person.chain
        came, left = _came_at(first), _left_at(last)
        turned = person.turned(self._u_turn_s)
        wait = now - came.monotonic < self._u_turn_s or turned
        if not first.entry_settled and chain.entry.way in _KNOWN and (
            came.monotonic <= settled or (not wait and self._sure(first, chain.entry))
        ):  # fmt: skip
            first.came = first.came or Passage(chain.entry.line or "", came)
            first.entry_settled = first.real = True
            if turned:
                self.counts["turned"] += 1
                last.left = last.left or Passage(chain.exit.line or "", left, last.visit)
                last.exit_settled = True
            else:
                told += self._book("in", first.came, first, chain.entry.way, person.house)
        if not last.exit_settled and chain.exit.way in _KNOWN and (
            left.monotonic <= settled or (not wait and self._sure(last, chain.exit))
        ):  # fmt: skip
            last.left = last.left or Passage(chain.exit.line or "", left, last.visit)
            last.exit_settled = last.real = True
            told += self._book("out", last.left, last, chain.exit.way, person.house)
        return told

    @staticmethod
    def _sure(piece: Tracklet, passing: Passing) -> bool:
        """Whether a crossing can be told already."""
        return passing.way is Way.SEEN and ghost_cost(piece) >= _SURE

    def _book(
        self, direction: Direction, passage: Passage, piece: Tracklet, way: Way, house: bool
    ) -> list[LineCrossed]:
        if house or passage.line in self._staff:
            return []
        self.counts[direction] += 1
        self.counts[f"{direction}_unseen"] += way is Way.UNSEEN
        return [
            LineCrossed(
                line=passage.line,
                direction=direction,
                track=piece.track,
                visit=passage.visit,
                at=passage.at.wall,
                calibrated=self._calibrated,
            )
        ]


def _came_at(piece: Tracklet) -> Instant:
    return piece.first.at if piece.came is None else piece.came.at


def _left_at(piece: Tracklet) -> Instant:
    return piece.last.at if piece.left is None else piece.left.at


__all__ = ["SETTLED_S", "Ledger"]
