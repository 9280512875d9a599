"""Measuring ours, a peer and a limit in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison. `ratio` is how many times better ours is than the peer, whichever way the unit counts."""

    name: str
    unit: str
    ours: float
    peer: float
    peer_name: str
    ratio: float
    limit: float
    limit_name: str

    def as_json(self) -> dict[str, object]:
        """Fields as DESIGN.md section 9 has them."""
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}

    def line(self) -> str:
        """For people."""
        return (
            f"{self.name:32s} {self.ours:10.3f} {self.unit:12s} {self.ratio:6.2f}x {self.peer_name} ({self.peer:.3f}),"
            f" limit {self.limit:.3f} ({self.limit_name})"
        )


def cpu_ms(work: Work, repeat: int = 1) -> float:
    """CPU milliseconds of this process for one call."""
    begin = time.process_time()
    for _ in range(repeat):
        work()
    return (time.process_time() - begin) * 1e3 / repeat


def wall_per_s(work: Work, units: int) -> float:
    """Units of work a second of wall time."""
    begin = time.perf_counter()
    work()
    return units / (time.perf_counter() - begin)


def in_turns(works: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Median of each measurement over `rounds`, one after the other in every round."""
    seen: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, measure in works.items():
            seen[name].append(measure())
    return {name: statistics.median(values) for name, values in seen.items()}


def lower_is_better(
    name: str, unit: str, works: dict[str, Callable[[], float]], peer_name: str, limit_name: str, rounds: int = 7
) -> Result:
    """Compare costs; `works` has the keys ours, peer, limit."""
    found = in_turns(works, rounds)
    ratio = found["peer"] / found["ours"]
    return Result(name, unit, found["ours"], found["peer"], peer_name, ratio, found["limit"], limit_name)


def higher_is_better(
    name: str, unit: str, works: dict[str, Callable[[], float]], peer_name: str, limit_name: str, rounds: int = 5
) -> Result:
    """Compare rates; `works` has the keys ours, peer, limit."""
    found = in_turns(works, rounds)
    ratio = found["ours"] / found["peer"]
    return Result(name, unit, found["ours"], found["peer"], peer_name, ratio, found["limit"], limit_name)
