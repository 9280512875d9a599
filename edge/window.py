"""Which events are under way: published and not yet receipted. Pure; the publisher acts on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hardware.backoff import BackoffPolicy, delay_s


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """How much is under way at once, and when what got no receipt is published again."""

    size: int = 500
    probe: int = 50
    """After a resend only this many go out until central shows a sign of life: a dead central is not flooded."""
    patience: BackoffPolicy = field(default_factory=lambda: BackoffPolicy(first_s=3.0, limit_s=30.0, jitter=0.2))


@dataclass(frozen=True, slots=True)
class Window:
    """`cursor` is the last sequence published, `watermark` the last one receipted without a gap."""

    policy: WindowPolicy
    watermark: int = 0
    cursor: int = 0
    attempt: int = 0
    """Resends since the watermark last rose."""
    resend_at: float | None = None
    """Monotonic; None while nothing is under way."""

    def room(self) -> int:
        """How many more may be published now."""
        size = self.policy.size if self.attempt == 0 else self.policy.probe
        return max(0, size - (self.cursor - self.watermark))

    def sent(self, sequence: int, now: float, draw: float) -> Window:
        """`sequence` was handed to the broker's connection."""
        due = self.resend_at if self.resend_at is not None else now + self._patience(draw)
        return replace(self, cursor=max(self.cursor, sequence), resend_at=due)

    def receipted(self, watermark: int, now: float, draw: float) -> Window:
        """The outbox's watermark is `watermark`; progress restarts the wait."""
        if watermark <= self.watermark:
            return self
        moved = replace(self, watermark=watermark, cursor=max(self.cursor, watermark), attempt=0)
        under_way = moved.cursor > watermark
        return replace(moved, resend_at=now + moved._patience(draw) if under_way else None)

    def tick(self, now: float) -> Window:
        """Go back to the oldest event without receipt when central was silent for too long."""
        if self.resend_at is None or now < self.resend_at:
            return self
        return replace(self, cursor=self.watermark, attempt=self.attempt + 1, resend_at=None)

    def reconnected(self, watermark: int) -> Window:
        """A new connection, or a new session of the outbox: everything without receipt goes out again."""
        return Window(self.policy, watermark, watermark)

    def _patience(self, draw: float) -> float:
        return delay_s(self.policy.patience, self.attempt + 1, draw)
