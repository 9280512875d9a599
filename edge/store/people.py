"""What the store tracker keeps about each person besides the motion, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.store.continuity import Trail
from edge.store.motion import State
from edge.values import FloorPosition, PlanPoint


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Seconds, metres. `gap_s`: how long somebody unseen is kept for a hand-over; `sure`: least posterior of a name."""

    gap_s: float = 5.0
    sure: float = 0.99
    gate: float = 20.0
    """Mahalanobis distance squared at which a look may still belong to a person (chi-squared, two degrees, p 5e-5)."""
    stranger_density: float = 0.002
    """Unknown people per square metre who might step out from where no camera looked."""
    door_density: float = 0.5
    """The same within `door_m` of an entrance line."""
    door_m: float = 1.2
    walk_mps: float = 1.6
    fresh_s: float = 0.5
    """A look this old still says where somebody is."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one camera saw in one frame. `at` on this node's monotonic clock, the camera's own delay taken out."""

    camera: str
    at: float
    positions: tuple[FloorPosition, ...]
    ended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreView:
    """After a look: who was seen in it (by store track), who is gone, whose name can not be kept, whose must wait."""

    positions: tuple[FloorPosition, ...] = ()
    ended: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Of each position, the camera's own track."""
    doubted: tuple[str, ...] = ()
    suspended: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    """Not seen for a moment, and expected back."""
    gone_to: tuple[FloorPosition, ...] = ()
    """Where those who ended out of sight were about to be, going on as they went: past the door, perhaps."""
    begun: tuple[tuple[str, str], ...] = ()
    """Camera track and store track of people who are new."""


@dataclass(frozen=True, slots=True)
class Link:
    """Which track of a camera a person is, as of the last look."""

    track: str
    at: float
    clear: bool
    edge: bool
    bias: PlanPoint = (0.0, 0.0)
    """By how much this camera sees the person elsewhere than the others do: feet behind a shelf, say."""


@dataclass(slots=True, eq=False)
class Person:
    """One store track; its motion is the row of the same number in the bank."""

    id: int
    born: float
    seen_at: float
    looks: int = 0
    links: dict[str, Link] = field(default_factory=dict)
    leaving: bool = False
    pace: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Place and velocity when last seen."""
    clear_since: float | None = None
    """Since when every look was clear."""
    clear_at: float = -1e9
    safe: State | None = None
    """When nobody could have been mixed up with this person, last."""
    trail: Trail = field(default_factory=Trail)

    def fresh(self, now: float, fresh_s: float) -> dict[str, Link]:
        """Links of the last moments."""
        return {camera: link for camera, link in self.links.items() if now - link.at <= fresh_s}

    def only(self, link: Link) -> bool:
        """Whether nobody has seen this person since that look."""
        return link.at >= self.seen_at

    def note(self, camera: str, position: FloorPosition, at: float, fresh_s: float, expected: bool = True) -> None:
        """Seen by a camera. `expected`: about where the person had to be; if not, it may be somebody else by now."""
        before = self.links.get(camera)
        if not expected or (before is not None and before.track != position.track and before.at < self.seen_at - 1e-9):
            self.clear_at, self.clear_since = -1e9, None
        bias = before.bias if before is not None and before.track == position.track else (0.0, 0.0)
        self.links[camera] = Link(position.track, at, position.clear, position.edge, bias)
        self.looks += 1
        self.seen_at = max(self.seen_at, at)
        if position.clear and expected:
            if at - self.clear_at > fresh_s or self.clear_since is None:
                self.clear_since = at
            self.clear_at = max(self.clear_at, at)

    def is_clear(self, now: float, fresh_s: float) -> bool:
        """Seen a moment ago, apart from everybody."""
        return now - self.clear_at <= fresh_s


def apart(first: Person, second: Person, now: float, fresh_s: float) -> bool:
    """Whether one camera saw both a moment ago, apart from each other: one box that overlaps with none is enough."""
    ours, theirs = first.fresh(now, fresh_s), second.fresh(now, fresh_s)
    return any(ours[camera].clear or theirs[camera].clear for camera in ours.keys() & theirs.keys())


Door = tuple[PlanPoint, PlanPoint]
