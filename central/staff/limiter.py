"""How often somebody may try to log in."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_PER_NAME = RateLimitItemPerMinute(10, 5)
_PER_ADDRESS = RateLimitItemPerMinute(30, 5)


class LoginLimiter:
    """In this process's memory: ten tries in five minutes a name, thirty an address."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allow(self, what: str, name: str, address: str) -> bool:
        """Count a try; whether it may go on."""
        by_address = self._limiter.hit(_PER_ADDRESS, what, "address", address)
        return self._limiter.hit(_PER_NAME, what, "name", name) and by_address
