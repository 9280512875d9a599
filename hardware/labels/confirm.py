"""Has the label shown the image? Pure.

An accepted upload proves nothing, and the new content's hash cannot be known ahead. Shown means: nothing is pending and
the hash is not the one of before. Some other image may still be on its way when a newer one is sent; then the first
change of hash is not ours, and the answer waits until nothing new was queued for `settle_s`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Verdict(StrEnum):
    """What to do about an upload now."""

    WAIT = "wait"
    PENDING = "pending"
    SHOWN = "shown"
    RESEND = "resend"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds, and the number of repeats before giving up."""

    settle_s: float
    give_up_s: float
    max_resends: int


@dataclass(frozen=True, slots=True)
class Job:
    """One upload under way. Times are monotonic seconds."""

    rules: Rules
    baseline: str
    begun: float
    sent: float
    overtakes: bool = False
    """Another image was on its way when this one was sent."""
    saw_pending: bool = False
    resends: int = 0
    idle_since: float | None = None

    def observe(self, pending: int, content_hash: str, now: float) -> tuple[Job, Verdict]:
        """The label's state as the access point tells it at `now`."""
        if now - self.begun >= self.rules.give_up_s:
            return self, Verdict.FAILED
        if pending:
            return self._pending(content_hash)
        if content_hash != self.baseline and not self.overtakes:
            return self, Verdict.SHOWN
        idle_since = self.idle_since
        if idle_since is None:
            idle_since = now if self.saw_pending else self.sent
        job = replace(self, idle_since=idle_since)
        if content_hash != self.baseline:
            return job._changed_while_overtaking(content_hash, now)
        if now - idle_since < self.rules.settle_s:
            return job, Verdict.WAIT
        # Nothing pending, nothing changed: the transfer was given up, the access point restarted, or it found the
        # image equal to what the label shows. A repeat that differs in one pixel settles all three.
        return (job, Verdict.FAILED) if self.resends >= self.rules.max_resends else (job, Verdict.RESEND)

    def resent(self, content_hash: str, now: float) -> Job:
        """The image was sent again at `now`."""
        return replace(
            self, baseline=content_hash, sent=now, idle_since=None, saw_pending=False, resends=self.resends + 1
        )

    def _pending(self, content_hash: str) -> tuple[Job, Verdict]:
        # A hash that changed while something waits belongs to an earlier image; ours comes after it.
        job = replace(self, baseline=content_hash, saw_pending=True, idle_since=None)
        return job, (Verdict.WAIT if self.saw_pending else Verdict.PENDING)

    def _changed_while_overtaking(self, content_hash: str, now: float) -> tuple[Job, Verdict]:
        if now - self.sent < self.rules.settle_s:
            return self, Verdict.WAIT
        return replace(self, baseline=content_hash), Verdict.SHOWN
