"""A queue of one: the newest frame displaces the one nobody had time for (invariant 1: frames may drop, counted)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """put = taken + dropped + waiting, always; waiting is 0 or 1."""

    put: int
    taken: int
    dropped: int
    waiting: int


class LatestSlot(Generic[T]):
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: T | None = None
        self._put = 0
        self._taken = 0
        self._dropped = 0

    def put(self, item: T) -> bool:
        """Leave an item; False when it displaced one that was not taken."""
        with self._lock:
            displaced = self._item is not None
            self._dropped += displaced
            self._put += 1
            self._item = item
        return not displaced

    def take(self) -> T | None:
        """The newest item, once."""
        with self._lock:
            item, self._item = self._item, None
            self._taken += item is not None
        return item

    @property
    def full(self) -> bool:
        """Whether something waits."""
        return self._item is not None

    def counts(self) -> SlotCounts:
        """A consistent snapshot."""
        with self._lock:
            return SlotCounts(self._put, self._taken, self._dropped, int(self._item is not None))
