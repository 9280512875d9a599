"""Leads a person through three poses and keeps the best picture of each. Pure but for the vectors it can wipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from edge.enrol import Named, same_person
from edge.values import Box, Vector
from edge.vision.enrolment import Enrolled, Sight

Pose = Literal["straight", "left", "right"]
Hint = Literal["good", "hold_still", "look_straight", "turn_left", "turn_right", "turn_less", "several_people"]

POSES: tuple[Pose, ...] = ("straight", "left", "right")
SHOTS = 2
"""Good pictures of each pose, the better one counts: one may be taken while the eyes close."""
_STRAIGHT_DEG = 11.0
_SIDE_DEG = 11.0
_FAR_SIDE_DEG = 28.0
"""Where edge.vision.enrolment refuses the picture: the guide hears of it by `refused`."""
_DRIFT = 0.12
"""A face that moves by more than this share of its width between two pictures does not hold still."""


class Guide:
    """One person's poses. `left` and `right` are the person's own."""

    def __init__(self) -> None:
        self._shots: dict[Pose, Named] = {pose: [] for pose in POSES}
        self._last: Box | None = None

    @property
    def wanted(self) -> Pose | None:
        """The pose to take next; None when all are taken."""
        return next((pose for pose in POSES if len(self._shots[pose]) < SHOTS), None)

    @property
    def progress(self) -> float:
        """0..1."""
        return sum(len(shots) for shots in self._shots.values()) / (SHOTS * len(POSES))

    def see(self, sight: Sight, embed: Callable[[Sight], Enrolled]) -> Hint:
        """A face that is good enough. It is embedded only when it shows the wanted pose and holds still."""
        wanted, steady = self.wanted, self._steady(sight.box)
        self._last = sight.box
        if wanted is None:
            return "good"
        correction = _correction(wanted, sight.yaw)
        if correction is not None:
            return correction
        if not steady:
            return "hold_still"
        self._shots[wanted].append((wanted, embed(sight)))
        if not self._one_person():
            self.wipe()
            return "several_people"
        return "good"

    def refused(self, yaw: float) -> Hint | None:
        """A face that is turned too far to be used: what to do, where a side is wanted."""
        self.lost()
        return _correction(self.wanted, yaw) if self.wanted in ("left", "right") else None

    def lost(self) -> None:
        """No usable face in this picture: the next one has nothing to hold still against."""
        self._last = None

    def vectors(self) -> list[Vector]:
        """The best of each pose, once all are taken."""
        return [max(shots, key=lambda shot: shot[1].quality)[1].vector for shots in self._shots.values() if shots]

    def wipe(self) -> None:
        """Overwrite and forget every vector."""
        for shots in self._shots.values():
            for _, shot in shots:
                shot.vector.fill(0)
            shots.clear()
        self._last = None

    def _steady(self, box: Box) -> bool:
        if self._last is None:
            return False
        width = self._last[2] - self._last[0]
        return max(abs(now - before) for now, before in zip(box, self._last, strict=True)) <= _DRIFT * width

    def _one_person(self) -> bool:
        return not same_person([shot for shots in self._shots.values() for shot in shots])[1]


def _correction(wanted: Pose, yaw: float) -> Hint | None:
    """What to do to reach the pose; yaw in degrees, positive to the person's own left."""
    if wanted == "straight":
        return None if abs(yaw) <= _STRAIGHT_DEG else "look_straight"
    turned = yaw if wanted == "left" else -yaw
    if turned < _SIDE_DEG:
        return "turn_left" if wanted == "left" else "turn_right"
    return "turn_less" if turned > _FAR_SIDE_DEG else None
