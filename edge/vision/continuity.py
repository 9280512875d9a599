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
from edge.vision.shots import ELSEWHERE_S, FaceCase, Shot, fused
from edge.vision.thresholds import VERIFY_THRESHOLD

SAME = 0.40
"""Cosine from which two pictures taken within seconds show one person: strangers reach it once in 10^4 (LFW)."""
OTHER = 0.20
"""Below it a picture shows somebody else even where nobody else was seen nearby."""
_NOBODY = 0.2
"""So far below the threshold for names a picture goes with a stranger who was here."""
_NEARER = 0.15
"""So much nearer to a name than a stranger ever came a picture shows somebody else."""
_NEAR = 1.25
"""Faces whose centres are less than so many widths apart, sideways and in height, can be mixed up."""
_SIMILAR = 0.55
"""Smaller over larger: faces that differ more are at different distances, and no tracker takes one for the other."""
SUDDEN = 2.5
"""So many widths around a face that appears in the middle of the way, somebody may have lost the track to it."""
_CLEAR_S = 0.25
"""A face must have been apart from others this long before a picture is spent on a decided case."""
_IN_FRONT_S = 1.0
"""So long somebody who crosses the line of sight stands before another."""
_DOUBT_S = 0.6
"""How long after a picture of an open case another one is worth a call only to clear a doubt."""
REMEMBER_S = 2.0
"""How long somebody who went out of view may come into view again as the same one."""
_STRAY = 2.5
"""Widths a second that somebody moves who is out of view."""
_CLOSE_PX, _PASSING = 100.0, 7.0
"""A face this large is about to pass the camera: at a walking pace it moves so many widths a second sideways."""
_SHRUNK = 0.75
"""Who walks towards the camera does not come back smaller, but the box around a face that turns aside is narrower."""


@dataclass(slots=True)
class Bond:
    """A track and the person it is taken to show. `doubtful`: it may show one of the `suspects` by now."""

    case: FaceCase
    doubtful: bool = False
    suspects: list[FaceCase] = field(default_factory=list)
    near_at: float = -math.inf
    settled_at: float = -math.inf
    """When a picture last said who it is: who went out of view before that is not in this track."""
    open: bool = False
    """Among the suspects was somebody undecided who is forgotten by now: a picture has to say who it is."""
    guessed: bool = False
    """The picture was like nobody, and a stranger was here: that it is this stranger is likely, not certain."""
    sudden: bool = False
    """The track began in the middle of the way: nobody comes from nowhere, it is somebody who was there before."""

    fresh: bool = False
    """Among the suspects was somebody of whom no picture was taken: one may be, whoever else it may show."""
    past: list[FaceCase] = field(default_factory=list)
    """Suspects of this doubt who are forgotten by now."""

    passed: FaceCase | None = None
    """Whom the track showed, unknown as yet, until this moment's person came in front."""

    def look_again(self, now: float) -> None:
        """A stranger who stands where somebody was seen whom nobody knows yet may have gone past: one more picture."""
        if self.passed is not None and self.case.outcome == "stranger" and now - self.settled_at <= _IN_FRONT_S:
            self.suspect([self.passed], now)
            self.open, self.near_at, self.passed = True, now, None

    def suspect(self, others: Iterable[FaceCase], now: float) -> bool:
        """The track may have gone over to one of these; answers whether there is anybody new among them."""
        before = len(self.suspects)
        for case in others:
            if case is not self.case and all(case is not known for known in self.suspects):
                self.suspects.append(case)
        self.doubtful = True
        self.fresh = self.fresh or any(case.untold(now) for case in self.suspects)
        return len(self.suspects) > before

    def forget(self, now: float) -> None:
        """Drop the suspects who have been out of view for too long."""
        self.fresh = self.fresh or any(case.untold(now) for case in self.suspects)
        over = [case for case in self.suspects if now - case.seen_at > REMEMBER_S]
        self.suspects = [case for case in self.suspects if now - case.seen_at <= REMEMBER_S]
        if self.doubtful and over:
            self.open = self.open or not all(case.decided for case in over)
            self.past += over
            if self.case.blank and not self.fresh:
                self.case.may_be(case for case in over if case.calls)

    @property
    def sure(self) -> bool:
        """Whether the track shows the person of its case for certain."""
        return not self.doubtful and not self.guessed

    @property
    def moot(self) -> bool:
        """Whether a final word was said of everybody whom the track may show."""
        return self.case.closed and not self.open and all(case.decided for case in self.suspects)

    def clear_of(self, case: FaceCase) -> None:
        """Another track was just seen to show this person."""
        self.suspects = [one for one in self.suspects if one is not case]

    def settle(self, case: FaceCase, now: float) -> None:
        """A picture said who it is."""
        self.guessed = case is not self.case and case.outcome == "stranger"
        self.case = case
        self.settled_at = now
        self.doubtful = self.open = self.fresh = False
        self.suspects.clear()
        self.past.clear()
        self.passed = None

    def unsettled(self, now: float) -> list[FaceCase]:
        """Whose calls a picture of this face may have been, that agrees with nobody: its own case, the strangers, of
        whom nothing is kept to compare with, who went out of view, and for a face from nowhere anybody there."""
        own = [] if self.case.blank else [self.case]
        return own + [
            case
            for case in (*self.past, *self.suspects)
            if case.calls and (self.sudden or case.outcome == "stranger" or _lost(case, now)) and not case.sure(now)
        ]

    def urgent(self, shot: Shot) -> bool:
        """Whether this picture is to say who it is before anything else: the case may be somebody else's."""
        waits = not self.case.closed and self.case.provisional is None and not self.case.blank
        worth = waits and not self.case.too_oblique(shot) and self.case.left(shot.taken.monotonic) > 1
        return self.doubtful and worth and shot.taken.monotonic - self.case.last_embedded >= _DOUBT_S

    def ready(self, now: float) -> bool:
        """Whether a picture may be spent now. Without a name it is urgent, with one it waits for clear sight."""
        maybe = self.unsettled(now) if self.case.blank else [one for one in self.suspects if one.seen_at < now]
        if self.case.blank and self.fresh:
            maybe = []  # one picture may say who it is
        if any(case.left(now) <= 0 for case in (self.case, *maybe)):
            return False  # nothing is left for this person, or for the one it may well be
        if self.moot:
            return self.case.bowed and not self.guessed
        if not self.doubtful:
            return True
        if self.case.outcome == "known" and self.case.left(now) <= 1:
            return False  # the last call is kept for the moment when nobody knows who this is
        urgent = not self.case.closed and self.case.provisional is None
        return urgent or now - self.near_at >= _CLEAR_S


def _lost(case: FaceCase, now: float) -> bool:
    """Whether this person is out of view, so that a track may show them unnoticed."""
    return now - case.seen_at > ELSEWHERE_S


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
        looked_up = bond.case.outcome == "stranger" and unlike(bond.case, vector, templates, rule)
        return None if looked_up or another(bond.case, vector) else bond.case
    known = _agreeing((bond.case, *bond.suspects), vector, templates)
    if known is not None:
        return known
    if like_nobody(vector, templates, rule) and not any(case.unexplained(now) for case in bond.suspects):
        for case in (bond.case, *bond.suspects):
            elsewhere = bond.case.blank and now - case.seen_at <= ELSEWHERE_S
            if case.outcome == "stranger" and not elsewhere:
                return case
    return bond.case if bond.case.blank else None


def another(case: FaceCase, vector: Vector) -> bool:
    """Whether the picture shows somebody else than the pictures of an open case do."""
    likeness = _likeness(case, vector)
    return likeness is not None and likeness < OTHER


def unclear(bond: Bond, vector: Vector, templates: Templates, rule: Rule, now: float) -> list[FaceCase]:
    """Who else this may be, for all that is known: all that are unsettled but those whom the picture rules out."""
    return [
        case
        for case in bond.unsettled(now)
        if case is bond.case or not (unlike(case, vector, templates, rule) or _ruled_out(case, vector, templates))
    ]


def unlike(case: FaceCase, vector: Vector, templates: Templates, rule: Rule) -> bool:
    """Whether the picture comes much nearer to somebody of the gallery than this stranger did."""
    found = templates.search(vector)
    near = -1.0 if found is None else found.similarity
    return near >= max(case.nearest + _NEARER, rule.bar(templates.templates) - _NOBODY)


def _ruled_out(case: FaceCase, vector: Vector, templates: Templates) -> bool:
    """Whether the picture shows somebody else for sure."""
    likeness = _likeness(case, vector) if case.subject is None else templates.verify(case.subject, vector)
    return likeness is not None and likeness < OTHER


def stranger_again(bond: Bond, vector: Vector, templates: Templates, rule: Rule, now: float) -> bool:
    """Whether a face that began in the middle of the way is one of the strangers there whose track went astray."""
    strangers = any(case.outcome == "stranger" for case in bond.suspects)
    somebody_new = any(case.unexplained(now) for case in bond.suspects)
    likely = bond.sudden and bond.case.blank and strangers and not somebody_new
    return likely and like_nobody(vector, templates, rule)


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


def like_nobody(vector: Vector, templates: Templates, rule: Rule) -> bool:
    """Nobody of the gallery is near: it may well be the stranger who was here."""
    found = templates.search(vector)
    return found is None or found.similarity < rule.bar(templates.templates) - _NOBODY
