"""May this face be looked at? The answer stands before landmarks and embedder (invariant 3, PRIVACY P1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.geometry import inside
from edge.values import Claim, Instant, Track

Polygon = tuple[tuple[float, float], ...]
Denial = Literal["mode", "outside_lane", "no_lane", "outside_spot", "no_checkin", "not_nearest", "empty_gallery"]


@dataclass(frozen=True, slots=True)
class Permit:
    """`claim` set: compare with this subject only (1:1); else search the gallery (1:N)."""

    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing of this face may be computed."""

    reason: Denial


@dataclass(frozen=True, slots=True)
class FacePolicy:
    """The granted mode with the areas of one camera (fractions of the picture)."""

    mode: Literal["verify", "lane", "open"]
    lane: Polygon | None = None
    spot: Polygon | None = None

    @property
    def area(self) -> Polygon | None:
        """Corners outside which no face is ever permitted; None: anywhere, or nowhere."""
        return {"verify": self.spot, "lane": self.lane, "open": None}[self.mode]

    def step(self, track: Track, size: tuple[int, int], claim: Claim | None, now: Instant) -> Permit | Denied:
        """Judge one face of a picture of `size` (width, height)."""
        centre = track.centre[0] / size[0], track.centre[1] / size[1]
        if self.mode == "open":
            return Permit()
        if self.mode == "lane":
            if self.lane is None:
                return Denied("no_lane")
            return Permit() if inside(self.lane, centre) else Denied("outside_lane")
        if claim is None or now.monotonic > claim.until:
            return Denied("no_checkin")
        if self.spot is None or not inside(self.spot, centre):
            return Denied("outside_spot")
        return Permit(claim)
