"""Is this still the same person? A track follows a place, a case follows a person.

When two faces came close to each other a track may have gone over to the other person without anybody noticing. From
then on the track is doubtful: its identity is not used until one further picture agrees with the case, and a picture
that agrees with another person nearby moves that person's case here. Nobody is looked for beyond the people who were
near in these seconds, and a vector is compared while its case is open only (PRIVACY P2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.values import Box, Track, Vector
from edge.vision.decide import Rule
from edge.vision.ports import Templates
from edge.vision.shots import FaceCase, fused
from edge.vision.thresholds import VERIFY_THRESHOLD

SAME = 0.40
"""Cosine from which two pictures taken within seconds show one person: strangers reach it once in 10^4 (LFW)."""
OTHER = 0.20
"""Below it a picture shows somebody else even where nobody else was seen nearby."""
_NOBODY = 0.2
"""So far below the threshold for names a picture goes with a stranger who was here."""
_NEAR = 1.25
"""Faces whose centres are less than so many widths apart, sideways and in height, can be mixed up."""
_SIMILAR = 0.55
"""Smaller over larger: faces that differ more are at different distances, and no tracker takes one for the other."""
SUDDEN = 2.5
"""So many widths around a face that appears in the middle of the way, somebody may have lost the track to it."""
_ELSEWHERE_S = 0.3
"""Who was seen more recently than this is still seen, in a track of their own."""
_CLEAR_S = 0.25
"""A face must have been apart from others this long before a picture is spent on a decided case."""
REMEMBER_S = 2.0
"""How long somebody who went out of view may come into view again as the same one."""
_STRAY = 2.5
"""Widths a second that somebody moves who is out of view."""
_CLOSE_PX, _PASSING = 100.0, 7.0
"""A face this large is about to pass the camera: at a walking pace it moves so many widths a second sideways."""
_SHRUNK = 0.9
"""Who walks towards the camera does not come back smaller."""


@dataclass(slots=True)
class Bond:
    """A track and the person it is taken to show. `doubtful`: it may show one of the `suspects` by now."""

    case: FaceCase
    doubtful: bool = False
    suspects: list[FaceCase] = field(default_factory=list)
    near_at: float = -math.inf
    sudden: bool = False
    """The track began in the middle of the way: nobody comes from nowhere, it is somebody who was there before."""

    def suspect(self, others: Iterable[FaceCase]) -> None:
        """The track may have gone over to one of these."""
        for case in others:
            if case is not self.case and all(case is not known for known in self.suspects):
                self.suspects.append(case)
        self.doubtful = True

    def forget(self, now: float) -> None:
        """Drop the suspects who have been out of view for too long."""
        self.suspects = [case for case in self.suspects if now - case.seen_at <= REMEMBER_S]

    def clear_of(self, case: FaceCase) -> None:
        """Another track was just seen to show this person."""
        self.suspects = [one for one in self.suspects if one is not case]

    def settle(self, case: FaceCase) -> None:
        """A picture said who it is."""
        self.case = case
        self.doubtful = False
        self.suspects.clear()

    def unsettled(self, now: float) -> list[FaceCase]:
        """Whose calls a picture of this face may have been, that agrees with nobody: its own case, the strangers, of
        whom nothing is kept to compare with, who went out of view, and for a face from nowhere anybody there."""
        own = [] if self.case.blank else [self.case]
        return own + [
            case
            for case in self.suspects
            if case.calls and (self.sudden or case.outcome == "stranger" or _lost(case, now))
        ]

    def ready(self, now: float) -> bool:
        """Whether a picture may be spent now. Without a name it is urgent, with one it waits for clear sight."""
        maybe = self.unsettled(now) if self.case.blank else [one for one in self.suspects if one.seen_at < now]
        if self.case.spent or any(case.spent for case in maybe):
            return False  # nothing is left for this person, or for the one it may well be
        if not self.doubtful:
            return not self.case.closed
        if self.case.closed and all(case.decided for case in self.suspects):
            return False  # whichever of them it is, it is decided already
        urgent = not self.case.closed and self.case.provisional is None
        return urgent or now - self.near_at >= _CLEAR_S


def _lost(case: FaceCase, now: float) -> bool:
    """Whether this person is out of view, so that a track may show them unnoticed."""
    return now - case.seen_at > _ELSEWHERE_S


def near(first: Box, second: Box, reach: float = _NEAR) -> bool:
    """Whether a tracker could take one of these faces for the other; `reach` in widths."""
    width = (first[2] - first[0] + second[2] - second[0]) / 2
    smaller, larger = sorted((first[2] - first[0], second[2] - second[0]))
    across = abs(first[0] + first[2] - second[0] - second[2]) / 2
    down = abs(first[1] + first[3] - second[1] - second[3]) / 2
    return max(across, down) < reach * width and smaller >= _SIMILAR * larger


def could_be(past: FaceCase, track: Track, now: float) -> bool:
    """Whether a new track may show somebody who went out of view a moment ago."""
    gap = now - past.seen_at
    if gap > REMEMBER_S:
        return False
    before, width = past.box[2] - past.box[0], track.width
    across = abs(past.box[0] + past.box[2] - track.box[0] - track.box[2]) / 2
    stray = _PASSING if width >= _CLOSE_PX else _STRAY
    return width >= _SHRUNK * before and across <= (_NEAR + stray * gap) * width


def owner(bond: Bond, vector: Vector, templates: Templates, rule: Rule, now: float) -> FaceCase | None:
    """Whose picture this is: the bond's own case, a suspect's, or None for somebody who has no case yet."""
    if not bond.doubtful:
        likeness = _likeness(bond.case, vector)
        return bond.case if likeness is None or likeness >= OTHER else None
    known = _agreeing((bond.case, *bond.suspects), vector, templates)
    if known is not None:
        return known
    if _like_nobody(vector, templates, rule):
        for case in (bond.case, *bond.suspects):
            elsewhere = bond.case.blank and now - case.seen_at <= _ELSEWHERE_S
            if case.outcome == "stranger" and not elsewhere:
                return case
    return bond.case if bond.case.blank else None


def unclear(bond: Bond, vector: Vector, templates: Templates, now: float) -> list[FaceCase]:
    """Who else this may be, for all that is known: all that are unsettled but those whom the picture rules out."""
    return [case for case in bond.unsettled(now) if not _ruled_out(case, vector, templates)]


def _ruled_out(case: FaceCase, vector: Vector, templates: Templates) -> bool:
    """Whether the picture shows somebody else for sure."""
    likeness = _likeness(case, vector) if case.subject is None else templates.verify(case.subject, vector)
    return likeness is not None and likeness < OTHER


def stranger_again(bond: Bond, vector: Vector, templates: Templates, rule: Rule) -> bool:
    """Whether a face that began in the middle of the way is one of the strangers there whose track went astray."""
    strangers = any(case.outcome == "stranger" for case in bond.suspects)
    return bond.sudden and bond.case.blank and strangers and _like_nobody(vector, templates, rule)


def _agreeing(cases: Sequence[FaceCase], vector: Vector, templates: Templates) -> FaceCase | None:
    """The case with which the picture agrees best."""
    best, lead = None, 0.0
    for case in cases:
        above = _lead(case, vector, templates)
        if above is not None and above >= lead:
            best, lead = case, above
    return best


def _lead(case: FaceCase, vector: Vector, templates: Templates) -> float | None:
    """How far above the threshold for "the same" the picture is; None where nothing is left to compare with."""
    if case.subject is not None:
        similarity = templates.verify(case.subject, vector)
        return None if similarity is None else similarity - VERIFY_THRESHOLD
    likeness = _likeness(case, vector)
    return None if likeness is None else likeness - SAME


def _likeness(case: FaceCase, vector: Vector) -> float | None:
    """Cosine with the mean of the pictures of an open case."""
    if not case.vectors:
        return None
    mean = fused(case.vectors, case.weights)
    length = float(np.linalg.norm(mean))
    cosine = float(mean @ vector) / length if length > 0 else 0.0
    mean.fill(0)
    return cosine


def _like_nobody(vector: Vector, templates: Templates, rule: Rule) -> bool:
    """Nobody of the gallery is near: it may well be the stranger who was here."""
    found = templates.search(vector)
    return found is None or found.similarity < rule.bar(templates.templates) - _NOBODY
