"""One person in front of the camera: which pictures are worth the embedder, and what they said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.values import Box, Claim, Instant, Outcome, Vector
from edge.vision.quality import Flaw, Pose, facing

ELSEWHERE_S = 0.3
"""Who was seen more recently than this is still seen, in a track of their own."""
_APART_S = 0.14
"""Two pictures closer in time than this show the same."""
_CLEARLY_BETTER = (0.0, 0.8, 1.1, 1.25)
"""Quality that a further shot must reach, as a share of the best so far, by the number of shots: the first usable face
and a second of about its quality are taken at once, after that only what may change the answer."""
_REPEATED = 2
"""So many pictures of one view, for who is near a name; what three of them do not show, a fourth does not either."""
_CONFIRMED = 3
"""So many pictures of somebody who has a name already are enough."""
_BETTER_THAN_UNLIKE = 1.2
"""The same where no shot came near anybody's threshold: one more of the same would come no nearer."""
_AS_GOOD = 0.95
_OTHER_YAW_DEG, _OTHER_NOSE = 12.0, 0.09
"""A head turned by so much, or nodded so that the nose stands elsewhere between eyes and mouth, is another view."""
_BOWED = 0.55
"""The nose of a head that may be bowed; so low it also stands in some faces that are not."""
_POOR = 0.7
"""Shots of less than this share of the best quality have no say in who it is."""
_FACING = 0.6
"""A head that is held so straight (edge.vision.quality.facing) shows what the others of the same person show."""
_OBLIQUE_SHOTS = 2
"""So many calls for pictures of turned or bowed heads; the others are kept until the person looks up."""
_LENGTH_POWER = 0.7
"""A mean of several pictures is shorter than one; brought back to unit length by this power of it, the mean names
strangers as rarely as one picture does. Measured: docs/recognition.md, "Several pictures"."""
_ONE_PERSON = 0.45
"""Cosine that 95 of 100 pairs of photographs of one person reach."""


FRONTAL = Pose(0.0, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A face in a picture by its five points (5x2 pixels), and how good it is. Cut out only if it is embedded."""

    five: NDArray[np.float32]
    quality: float
    taken: Instant
    pose: Pose = FRONTAL


@dataclass(slots=True)
class FaceCase:
    """All that is remembered of one person in view. Vectors live here only until the decision."""

    shots_limit: int
    id: int = 0
    claim: Claim | None = None
    permitted: bool = False
    provisional: str | None = None
    first_usable: Instant | None = None
    flaws: dict[Flaw, int] = field(default_factory=dict)
    denial: str = ""
    calls: int = 0
    """Embedder calls for this case, also those after the decision that only asked whether it is the same person."""
    kin: list[FaceCase] = field(default_factory=list)
    """Cases that may be of the same person: calls for them may have been calls for this person."""
    exhausted: bool = False
    """No further call, whatever the count says."""
    last_embedded: float = -1e9
    best_quality: float = 0.0
    vectors: list[Vector] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)
    _qualities: list[float] = field(default_factory=list)
    best: float = -1.0
    """Highest similarity to anybody that a 1:N search found; -1 before the first."""
    asked: tuple[int, int, float, float, bool] | None = None
    """What the last search rested on: shots, templates, threshold, margin, whether it was the last chance."""
    outcome: Outcome | None = None
    """The final decision; None while it is open."""
    subject: str | None = None
    """Who it is, once that is final."""
    nearest: float = 1.0
    """How near to anybody a search brought a closed stranger; 1 for others."""
    box: Box = (0.0, 0.0, 0.0, 0.0)
    """Where the face was last seen, pixels."""
    seen_at: float = -1e9
    sure_at: float = -1e9
    """When the person was last seen in a track without doubt."""

    @property
    def closed(self) -> bool:
        """Whether the decision is final."""
        return self.outcome is not None

    @property
    def decided(self) -> bool:
        """Whether it was found out who it is, or that nobody knows."""
        return self.outcome in ("known", "stranger")

    @property
    def blank(self) -> bool:
        """Open, and nothing embedded yet: there is no identity that could be mixed up."""
        return self.outcome is None and not self.vectors

    def unexplained(self, now: float) -> bool:
        """Somebody was here, is out of view, and no picture says anything about them."""
        return self.calls == 0 and not self.decided and now - self.seen_at > ELSEWHERE_S

    def untold(self, now: float) -> bool:
        """The same, and nobody else's pictures may have been of them."""
        return self.unexplained(now) and self.charged(now) == 0

    def sure(self, now: float) -> bool:
        """Whether the person is certainly in a track of their own at this moment."""
        return now - self.sure_at <= ELSEWHERE_S

    @property
    def spent(self) -> bool:
        """No embedder call is left for this person."""
        return self.left(self.seen_at) <= 0

    def left(self, now: float) -> int:
        """Embedder calls that this person has left for sure."""
        return 0 if self.exhausted else self.shots_limit - self.charged(now)

    def charged(self, now: float) -> int:
        """Embedder calls that this person may have had, at most: their own, and those of whom else they may be."""
        maybe = [case for case in self.kin if not case.sure(now)]
        return self.calls + max((_joint(case, maybe) for case in maybe), default=0)

    def flawed(self, flaw: Flaw) -> None:
        """Count an unusable picture, so that the outcome can say why."""
        self.flaws[flaw] = self.flaws.get(flaw, 0) + 1

    @property
    def bowed(self) -> bool:
        """A stranger who was seen with a bowed head only: another look may be worth it once the head is up."""
        seen = self.outcome == "stranger" and self.claim is None
        return seen and not self.spent and bool(self.poses) and all(pose.nose > _BOWED for pose in self.poses)

    def looks_up(self, shot: Shot) -> bool:
        """Whether somebody who was seen with a bowed head holds it up in this picture."""
        return (
            self.bowed
            and shot.quality >= _AS_GOOD * self.best_quality
            and all(pose.nose - shot.pose.nose >= _OTHER_NOSE for pose in self.poses)
        )

    def due(self, shot: Shot, promising: bool = False, unlike: bool = False) -> bool:
        """Whether this usable picture is worth the embedder.

        `promising`: no name yet but near one, less of an improvement will do. `unlike`: near nobody so far, only a
        better or another view can change that.
        """
        if self.spent or self.closed:
            return False
        if self.too_oblique(shot):
            return False
        if not self.vectors:
            return True
        if shot.taken.monotonic - self.last_embedded < _APART_S:
            return False
        if self.provisional is not None and len(self.vectors) >= _CONFIRMED:
            return False
        if unlike:
            return shot.quality >= _BETTER_THAN_UNLIKE * self.best_quality or self._other_view(shot)
        step = min(len(self.vectors), len(_CLEARLY_BETTER) - 1)
        if promising and step == _REPEATED:
            step -= 1
        better = shot.quality >= _CLEARLY_BETTER[step] * self.best_quality
        if self.left(shot.taken.monotonic) <= 1 and shot.quality < self.best_quality:
            return False  # the last call is for a picture that is better than all before
        return better or (promising and self._other_view(shot))

    def too_oblique(self, shot: Shot) -> bool:
        """Whether the head is turned or bowed, and calls enough went into such pictures or only one is left."""
        if facing(shot.pose) >= _FACING:
            return False
        oblique = sum(facing(pose) < _FACING for pose in self.poses)
        return oblique >= _OBLIQUE_SHOTS or self.left(shot.taken.monotonic) <= 1

    def _other_view(self, shot: Shot) -> bool:
        """A face as good as the best so far, that is held differently than in every shot."""
        return shot.quality >= _AS_GOOD * self.best_quality and all(
            abs(shot.pose.yaw - pose.yaw) >= _OTHER_YAW_DEG or abs(shot.pose.nose - pose.nose) >= _OTHER_NOSE
            for pose in self.poses
        )

    def embedded(self, shot: Shot, vector: Vector) -> None:
        """Take in the vector of a shot."""
        self.vectors.append(vector)
        self.best_quality = max(self.best_quality, shot.quality)
        self.poses.append(shot.pose)
        self._qualities.append(shot.quality)
        self.weights = [quality if quality >= _POOR * self.best_quality else 0.0 for quality in self._qualities]
        self.last_embedded = shot.taken.monotonic

    def may_be(self, others: Iterable[FaceCase]) -> None:
        """This may be the person of one of these cases, and of those that each of them may be."""
        for other in [member for one in others for member in (one, *one.kin)]:
            if other is not self and all(other is not known for known in self.kin):
                self.kin.append(other)
                other.kin.append(self)

    def apart_from(self, others: Iterable[FaceCase]) -> None:
        """These are other people: seen at the same moment, each in a track without doubt, or not at all alike."""
        for other in others:
            if other is not self:
                self.kin = [one for one in self.kin if one is not other]
                other.kin = [one for one in other.kin if one is not self]

    def main_flaw(self) -> Flaw:
        """What most of the unusable pictures suffered from."""
        return max(self.flaws, key=lambda flaw: self.flaws[flaw], default="")

    def close(self, outcome: Outcome, subject: str | None) -> None:
        """The decision is final: overwrite and drop every vector (PRIVACY P2)."""
        for vector in self.vectors:
            vector.fill(0)
        self.vectors.clear()
        self.weights.clear()
        self._qualities.clear()
        self.best = -1.0
        self.outcome = outcome
        self.subject = subject if outcome == "known" else None


def _joint(case: FaceCase, others: Sequence[FaceCase]) -> int:
    """Calls of this case, and of those others that may be the same person as this one."""
    return case.calls + sum(one.calls for one in others if any(one is kin for kin in case.kin))


def fused(vectors: list[Vector], weights: list[float]) -> Vector:
    """Quality-weighted mean, brought back towards unit length so far that the threshold of one picture holds for it.

    Where pictures are less alike than those of one person it is the plain mean: no better than the best of them.
    """
    share = np.asarray(weights, np.float32)
    total = float(share.sum())
    share = share / total if total > 0 else np.full(len(vectors), 1.0 / len(vectors), np.float32)
    stacked = np.stack(vectors)
    mean = np.asarray(share @ stacked, np.float32)
    counted = stacked[share > 0]
    if float((counted @ counted.T).min()) >= _ONE_PERSON:
        mean /= float(np.linalg.norm(mean)) ** _LENGTH_POWER
    stacked.fill(0)  # copies of every vector, and nobody else would overwrite them (PRIVACY P2)
    counted.fill(0)
    return mean
