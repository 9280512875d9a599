"""One person in front of the camera: which pictures are worth the embedder, and what they said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.values import Box, Claim, Instant, Outcome, Vector
from edge.vision.quality import Flaw, Pose

_APART_S = 0.14
"""Two pictures closer in time than this show the same."""
_CLEARLY_BETTER = (0.0, 0.8, 1.1, 1.25)
"""Quality that a further shot must reach, as a share of the best so far, by the number of shots: the first usable face
and a second of about its quality are taken at once, after that only what may change the answer."""
_BETTER_THAN_UNLIKE = 1.2
"""The same where no shot came near anybody's threshold: one more of the same would come no nearer."""
_OTHER_YAW_DEG, _OTHER_NOSE = 12.0, 0.09
"""A head turned by so much, or nodded so that the nose stands elsewhere between eyes and mouth, is another view."""
_POOR = 0.7
"""Shots of less than this share of the best quality have no say in who it is."""


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
    """Embedder calls for this person, also those after the decision that only asked whether it is the same one."""
    kin: list[FaceCase] = field(default_factory=list)
    """Cases that may be of the same person: a call for one of them is a call for all."""
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
    box: Box = (0.0, 0.0, 0.0, 0.0)
    """Where the face was last seen, pixels."""
    seen_at: float = -1e9

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

    @property
    def spent(self) -> bool:
        """No embedder call is left for this person."""
        return self.calls >= self.shots_limit

    def flawed(self, flaw: Flaw) -> None:
        """Count an unusable picture, so that the outcome can say why."""
        self.flaws[flaw] = self.flaws.get(flaw, 0) + 1

    def due(self, shot: Shot, promising: bool = False, unlike: bool = False) -> bool:
        """Whether this usable picture is worth the embedder.

        `promising`: no name yet but near one, less of an improvement will do. `unlike`: near nobody so far, only a
        better or another view can change that.
        """
        if self.spent or self.closed:
            return False
        if not self.vectors:
            return True
        if shot.taken.monotonic - self.last_embedded < _APART_S:
            return False
        if unlike:
            return shot.quality >= _BETTER_THAN_UNLIKE * self.best_quality or self._other_view(shot)
        step = min(len(self.vectors), len(_CLEARLY_BETTER) - 1)
        if promising and step > 1:
            step -= 1
        return shot.quality >= _CLEARLY_BETTER[step] * self.best_quality

    def _other_view(self, shot: Shot) -> bool:
        """A face as good as the best so far, that is held differently than in every shot."""
        return shot.quality >= self.best_quality and all(
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

    def charge(self) -> None:
        """An embedder call for this person."""
        for case in (self, *self.kin):
            case.calls = min(case.calls + 1, case.shots_limit)

    def may_be(self, others: Iterable[FaceCase]) -> None:
        """This may be the person of one of these cases: their calls count here, and ours there from now on."""
        for other in others:
            if other is not self and all(other is not one for one in self.kin):
                self.kin.append(other)
                other.kin.append(self)
                self.calls = max(self.calls, other.calls)

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
        self.poses.clear()
        self.best = -1.0
        self.outcome = outcome
        self.subject = subject if outcome == "known" else None


def fused(vectors: list[Vector], weights: list[float]) -> Vector:
    """Quality-weighted mean, on purpose not brought back to unit length.

    Its dot product with a template is then the weighted mean of the single cosines, so that a threshold measured
    on single pictures is not loosened by fusing several.
    """
    share = np.asarray(weights, np.float32)
    total = float(share.sum())
    share = share / total if total > 0 else np.full(len(vectors), 1.0 / len(vectors), np.float32)
    stacked = np.stack(vectors)
    mean = np.asarray(share @ stacked, np.float32)
    stacked.fill(0)  # a copy of every vector, and nobody else would overwrite it (PRIVACY P2)
    return mean
