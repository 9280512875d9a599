"""How often one address may begin anew."""

from __future__ import annotations

from collections import deque


class StartLimit:
    """At most `most` starts of one address in `span_s` seconds; a bounded memory of addresses."""

    def __init__(self, most: int = 20, span_s: float = 300.0, addresses: int = 500) -> None:
        self._most = most
        self._span_s = span_s
        self._addresses = addresses
        self._starts: dict[str, deque[float]] = {}

    def admit(self, address: str, now: float) -> bool:
        """Whether this start is within the limit; monotonic seconds."""
        starts = self._starts.pop(address, deque())
        while starts and starts[0] <= now - self._span_s:
            starts.popleft()
        self._starts[address] = starts
        if len(self._starts) > self._addresses:
            del self._starts[next(iter(self._starts))]
        if len(starts) >= self._most:
            return False
        starts.append(now)
        return True
