"""The set of committed sequence numbers of one outbox: a high-water mark and the ranges above it. Pure."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field

MAX_RANGES = 2048
"""Holes remembered per outbox; more than this is not a network, it is an attack."""


@dataclass(slots=True)
class Committed:
    """Everything up to `high_water`, and `above`: sorted, disjoint, closed ranges beyond the first hole."""

    high_water: int = 0
    above: list[tuple[int, int]] = field(default_factory=list)

    def __contains__(self, sequence: int) -> bool:
        if sequence <= self.high_water:
            return True
        place = bisect_right(self.above, (sequence, _LAST)) - 1
        return place >= 0 and self.above[place][0] <= sequence <= self.above[place][1]

    def add(self, sequence: int) -> bool:
        """Whether the number is new; False for a duplicate, and when there are too many holes to remember it."""
        if sequence in self:
            return False
        if sequence == self.high_water + 1:
            self.high_water = sequence
            self._absorb()
            return True
        return self._insert(sequence)

    def _insert(self, sequence: int) -> bool:
        place = bisect_right(self.above, (sequence, _LAST))
        joins_left = place > 0 and self.above[place - 1][1] == sequence - 1
        joins_right = place < len(self.above) and self.above[place][0] == sequence + 1
        if not (joins_left or joins_right) and len(self.above) >= MAX_RANGES:
            return False
        first = self.above[place - 1][0] if joins_left else sequence
        last = self.above[place][1] if joins_right else sequence
        self.above[place - joins_left : place + joins_right] = [(first, last)]
        return True

    def _absorb(self) -> None:
        if self.above and self.above[0][0] == self.high_water + 1:
            self.high_water = self.above.pop(0)[1]

    def gaps(self) -> list[tuple[int, int]]:
        """Closed ranges that are missing below the highest committed number."""
        holes, after = [], self.high_water
        for first, last in self.above:
            holes.append((after + 1, first - 1))
            after = last
        return holes

    def dump(self) -> str:
        """The ranges as JSON."""
        return json.dumps(self.above, separators=(",", ":"))

    @classmethod
    def load(cls, high_water: int, above: str) -> Committed:
        """The inverse of `dump`."""
        return cls(high_water, [(int(first), int(last)) for first, last in json.loads(above)])


_LAST = 2**63
