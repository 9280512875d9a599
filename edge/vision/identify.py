"""Tracks of faces to decisions: photograph what policy allows, embed what is worth it, decide once for each person."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edge.values import Box, Claim, Decision, Frame, Image, Instant, Track, TrackSet
from edge.vision.continuity import (
    REMEMBER_S,
    SUDDEN,
    Bond,
    another,
    could_be,
    near,
    owner,
    stranger_again,
    unclear,
    unlike,
)
from edge.vision.decide import Rule, decide
from edge.vision.permits import Denied, FacePolicy, Permit
from edge.vision.ports import FaceEngine, Landmarks, Templates, TrackWatch
from edge.vision.shots import FaceCase, Shot
from edge.vision.usable import UsableFace, usable

_PROMISING = 0.1
_LAG = 0.93
"""The box of a track is smoothed and so much behind the face of somebody who comes nearer."""
_MIDWAY = 1.15
"""Times the least width of a face: who comes from afar appears smaller than that."""

_AGAIN_S = 8.0
"""Who is named again within this time did not go out and come in again."""


@dataclass(frozen=True, slots=True)
class FaceSettings:
    """See edge.config.RecognitionConfig."""

    rule: Rule
    detect_hz: float
    min_face_px: float
    min_detector_score: float
    min_quality: float


@dataclass(slots=True)
class FaceCounts:
    """Since the start. `decisions` by outcome; `unrecognisable` by reason; `denied` frames by reason."""

    tracks: int = 0
    detector_calls: int = 0
    landmark_calls: int = 0
    embedder_calls: int = 0
    most_calls: int = 0
    """Embedder calls that the person who took most of them took."""
    decisions: dict[str, int] = field(default_factory=dict)
    unrecognisable: dict[str, int] = field(default_factory=dict)
    denied: dict[str, int] = field(default_factory=dict)


RuleNow = Callable[[Rule, int, Instant], Rule]
"""The rule for a gallery of this many templates at this moment: a certificate may change threshold and margin."""
OnStranger = Callable[[float, int, float, datetime], None]
"""Highest similarity, templates searched, threshold, wall time of one person whom a 1:N search did not name."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """The landmark model, counted."""

    engine: FaceEngine
    counts: FaceCounts

    def landmarks(self, frame: Image, box: NDArray[np.float32]) -> Landmarks:
        self.counts.landmark_calls += 1
        return self.engine.landmarks(frame, box)


class Identifier:
    """The people in view of one camera; at most one final decision for each."""

    def __init__(
        self,
        engine: FaceEngine,
        policy: FacePolicy,
        templates: Templates,
        settings: FaceSettings,
        counts: FaceCounts,
        *,
        rule_now: RuleNow | None = None,
        on_stranger: OnStranger | None = None,
        watch: TrackWatch | None = None,
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._templates = templates
        self._settings = settings
        self._limits = replace(settings, min_face_px=_LAG * settings.min_face_px)
        self._counts = counts
        self._rule_now = rule_now
        self._on_stranger = on_stranger
        self._watch = watch
        self._bonds: dict[int, Bond] = {}
        self._gone: list[FaceCase] = []
        self._named: dict[str, FaceCase] = {}
        self._claim_taken = False
        self._embedded: list[tuple[float, float]] = []

    def step(self, frame: Frame, tracks: TrackSet, claim: Claim | None) -> list[Decision]:
        """What this frame allows to decide about the tracks in it."""
        now = frame.captured
        self._claim_taken = False
        decided = [d for ended in tracks.ended for d in self._conclude(self._bonds.pop(ended, None), now)]
        self._meet(tracks.tracks, now)
        seen = sorted((track for track in tracks.tracks if track.seen), key=lambda track: -track.width)
        for track in seen:
            bond = self._bonds[track.id]
            bond.case.box, bond.case.seen_at = track.box, now.monotonic
            if bond.sure:
                bond.case.sure_at = now.monotonic
        sure = [bond.case for bond in map(self._bonds.__getitem__, (t.id for t in seen)) if bond.sure]
        for case in sure:
            case.apart_from(sure)
        lost = [track.box for track in tracks.tracks if not track.seen]
        for number, track in enumerate(seen):
            decided += self._watched_look(track, [*lost, *(other.box for other in seen[:number])], frame, claim)
        return decided

    def close(self, now: Instant) -> list[Decision]:
        """Conclude everybody in view and forget them."""
        bonds = list(self._bonds.values())
        self._bonds.clear()
        decided = [decision for bond in bonds for decision in self._conclude(bond, now)]
        self._gone.clear()
        self._named.clear()
        return decided

    def _meet(self, tracks: Sequence[Track], now: Instant) -> None:
        """New tracks get a case, and tracks that came close to each other become doubtful."""
        self._gone = [case for case in self._gone if now.monotonic - case.seen_at <= REMEMBER_S]
        self._named = {one: case for one, case in self._named.items() if now.monotonic - case.seen_at <= _AGAIN_S}
        for bond in self._bonds.values():
            bond.forget(now.monotonic)
        began = [track for track in tracks if track.id not in self._bonds]
        lost = [*self._gone, *(self._bonds[t.id].case for t in tracks if not t.seen and t.id in self._bonds)]
        for track in began:
            self._bonds[track.id] = self._begin(track, lost, now)
        if self._policy.mode == "verify":  # one person at a marked spot, compared 1:1 with who checked in
            return
        for first, second in combinations(tracks, 2):
            sudden = (first in began or second in began) and self._midway(first) and self._midway(second)
            if near(first.box, second.box) or (sudden and near(first.box, second.box, SUDDEN)):
                bonds = self._bonds[first.id], self._bonds[second.id]
                for bond, other in (bonds, bonds[::-1]):
                    bond.near_at = now.monotonic
                    bond.suspect([other.case, *other.suspects], now.monotonic)
        for track in tracks:
            bond = self._bonds[track.id]
            later = [case for case in self._gone if case.seen_at > bond.settled_at]
            close = [case for case in later if could_be(case, track, now.monotonic)]
            if close and not bond.case.blank and bond.suspect(close, now.monotonic):
                bond.near_at = now.monotonic

    def _begin(self, track: Track, lost: Sequence[FaceCase], now: Instant) -> Bond:
        """Somebody comes into view, perhaps one who was there a moment ago."""
        bond = Bond(self._new_case(), sudden=self._midway(track))
        suspects = [case for case in lost if could_be(case, track, now.monotonic)]
        if suspects and self._policy.mode != "verify":
            bond.suspect(suspects, now.monotonic)
        return bond

    def _midway(self, track: Track) -> bool:
        """Whether the face is larger than those that come from afar."""
        return track.width > _MIDWAY * self._settings.min_face_px

    def _new_case(self) -> FaceCase:
        self._counts.tracks += 1
        return FaceCase(self._settings.rule.shots, self._counts.tracks)

    def _watched_look(self, track: Track, nearer: list[Box], frame: Frame, claim: Claim | None) -> list[Decision]:
        bond = self._bonds[track.id]
        self._embedded.clear()
        decided = self._look(bond, track, nearer, frame, claim)
        bond.case.box, bond.case.seen_at = track.box, frame.captured.monotonic  # also of a case that just came here
        if self._watch is not None and (self._embedded or bond.case.blank or not bond.doubtful):
            height, width = frame.image.shape[:2]
            shown = replace(track, id=bond.case.id)
            self._watch.looked(shown, (width, height), tuple(self._embedded), frame.captured)
        for decision in decided:
            self._tell(decision, frame.captured)
        return decided

    def _look(self, bond: Bond, track: Track, nearer: list[Box], frame: Frame, claim: Claim | None) -> list[Decision]:
        if bond.case.closed and claim is not None and bond.case.claim != claim:
            bond.settle(self._new_case(), frame.captured.monotonic)
        decided: list[Decision] = []
        over = bond.case.closed and not bond.doubtful and not bond.case.bowed
        permit = None if over else self._permit(bond.case, track, frame, claim)
        if permit is not None and bond.ready(frame.captured.monotonic) and not self._exhausted(bond, track, frame):
            shot = self._photograph(bond.case, track, nearer, frame)
            if shot is not None and self._wanted(bond, shot):
                decided += self._embed(bond, track, shot, frame, permit)
        if not bond.doubtful:
            decided += self._judge(bond.case, frame.captured, ended=False)
            bond.look_again(frame.captured.monotonic)
        return decided

    def _wanted(self, bond: Bond, shot: Shot) -> bool:
        """Whether this picture is worth the embedder."""
        case = bond.case
        if case.closed:
            return not bond.moot or case.looks_up(shot)
        return bond.urgent(shot) or case.due(shot, *self._nearness(case, shot.taken))

    def _exhausted(self, bond: Bond, track: Track, frame: Frame) -> bool:
        """Whether this may be somebody whose calls are spent and who is in no other track at this moment."""
        if not (bond.doubtful or bond.case.blank):
            return False
        now = frame.captured.monotonic
        away = self._away(bond, track, now)
        if bond.case.blank and (bond.fresh or any(case.untold(now) for case in away)):
            return False
        return any(case.left(now) <= 0 for case in away)

    def _away(self, bond: Bond, track: Track, now: float) -> list[FaceCase]:
        """Everybody out of view at this moment whom the track may show."""
        unseen = (one.case for one in self._bonds.values() if one is not bond and one.case.seen_at < now)
        return [case for case in (*self._gone, *unseen) if case is not bond.case and could_be(case, track, now)]

    def _permit(self, case: FaceCase, track: Track, frame: Frame, claim: Claim | None) -> Permit | None:
        """Whether anything may be computed from this face; nothing is before this says so."""
        height, width = frame.image.shape[:2]
        answer = self._policy.step(track, (width, height), claim, frame.captured)
        if not isinstance(answer, Denied):
            answer = self._second_look(answer)
        if isinstance(answer, Denied):
            case.denial = answer.reason
            self._counts.denied[answer.reason] = self._counts.denied.get(answer.reason, 0) + 1
            return None
        case.permitted = True
        case.claim = answer.claim
        return answer

    def _second_look(self, permit: Permit) -> Permit | Denied:
        if self._templates.templates == 0:
            return Denied("empty_gallery")
        if permit.claim is not None:
            if self._claim_taken:
                return Denied("not_nearest")
            self._claim_taken = True
        return permit

    def _nearness(self, case: FaceCase, now: Instant) -> tuple[bool, bool]:
        """Near the threshold but not named yet: one more picture may settle it. Near nobody: only another view may."""
        if case.provisional is not None or case.claim is not None:
            return False, False
        promising = case.best >= self._rule(now).bar(self._templates.templates) - _PROMISING
        return promising, not promising

    def _photograph(self, case: FaceCase, track: Track, nearer: list[Box], frame: Frame) -> Shot | None:
        face = usable(frame.image, track.box, track.score, nearer, self._limits, _Counted(self._engine, self._counts))
        if not isinstance(face, UsableFace):
            if face:
                case.flawed(face)
            return None
        case.first_usable = case.first_usable or frame.captured
        return Shot(face.five, face.quality, frame.captured, face.pose)

    def _embed(self, bond: Bond, track: Track, shot: Shot, frame: Frame, permit: Permit) -> list[Decision]:
        """Embed, and give the vector to the case whose person it shows."""
        self._counts.embedder_calls += 1
        self._embedded.append(_middle(shot))
        crop = self._engine.align(frame.image, shot.five)
        vector = self._engine.embed([crop])[0]
        crop.fill(0)
        rule = self._rule(shot.taken)
        before = bond.case
        if not bond.doubtful and another(before, vector):  # somebody has come into this track unnoticed
            away = self._away(bond, track, shot.taken.monotonic)
            if away and self._policy.mode != "verify":
                bond.suspect(away, shot.taken.monotonic)
        again = stranger_again(bond, vector, self._templates, rule, shot.taken.monotonic)
        whose = owner(bond, vector, self._templates, rule, shot.taken.monotonic)
        anew = whose is None or whose.blank
        others = unclear(bond, vector, self._templates, rule, shot.taken.monotonic) if anew else []
        decided = self._hand_over(bond, whose, shot.taken)
        bond.case.may_be(others)
        case = bond.case
        case.calls += 1
        self._counts.most_calls = max(self._counts.most_calls, case.calls)
        if case.closed:
            vector.fill(0)
            case.poses.append(shot.pose)
            return decided
        case.permitted, case.claim = True, permit.claim
        case.first_usable = case.first_usable or shot.taken
        case.embedded(shot, vector)
        case.apart_from([one for one in case.kin if one is not before and unlike(one, vector, self._templates, rule)])
        if again:
            case.exhausted = True
        return decided

    def _hand_over(self, bond: Bond, whose: FaceCase | None, now: Instant) -> list[Decision]:
        """Settle who the track shows. The case it had goes to the track that had the other, or has ended."""
        before = bond.case
        if whose is before:
            bond.settle(before, now.monotonic)
            for one in self._bonds.values():
                one.clear_of(before)
            return []
        other = next((one for one in self._bonds.values() if one is not bond and one.case is whose), None)
        self._gone = [case for case in self._gone if case is not whose]
        bond.settle(whose if whose is not None else self._new_case(), now.monotonic)
        for one in self._bonds.values():
            one.clear_of(bond.case)
        if other is None and before.blank:
            for one in self._bonds.values():
                one.clear_of(before)
            return []
        if other is None:
            bond.passed = None if before.decided else before
            return self._end_case(before, now)
        other.case = before
        other.doubtful = True
        if before.blank:
            before.seen_at = -math.inf  # unless the other track is seen again, there is nobody of whom nothing is known
        return []

    def _conclude(self, bond: Bond | None, now: Instant) -> list[Decision]:
        if bond is None:
            return []
        decided = self._end_case(bond.case, now)
        for decision in decided:
            self._tell(decision, now)
        return decided

    def _end_case(self, case: FaceCase, now: Instant) -> list[Decision]:
        """The person is out of view; who was embedded may come back for a moment as the same one."""
        decided = [] if case.closed else self._judge(case, now, ended=True)
        self._gone.append(case)
        return decided

    def _rule(self, now: Instant) -> Rule:
        rule = self._settings.rule
        return rule if self._rule_now is None else self._rule_now(rule, self._templates.templates, now)

    def _judge(self, case: FaceCase, now: Instant, *, ended: bool) -> list[Decision]:
        if case.closed:
            return []
        rule = self._rule(now)
        decision = decide(case, self._templates, rule, now, ended=ended)
        if decision is None:
            return []
        if decision.stage == "provisional" and case.provisional == decision.subject:
            return []
        if decision.subject is not None and case.claim is None and case.provisional != decision.subject:
            self._same(case, decision.subject, now.monotonic)
        if decision.stage == "provisional":
            case.provisional = decision.subject
        else:
            self._count(case, decision, rule, now)
            if decision.outcome == "stranger":
                case.nearest = case.best
            case.close(decision.outcome, decision.subject)
        return [replace(decision, track=case.id)]

    def _same(self, case: FaceCase, subject: str, now: float) -> None:
        """Who was named a moment ago in another case is one person: so are the calls."""
        before = self._named.get(subject)
        self._named[subject] = case
        if before is not None and before is not case and now - before.seen_at <= _AGAIN_S:
            case.calls += before.calls
            self._counts.most_calls = max(self._counts.most_calls, case.calls)

    def _tell(self, decision: Decision, now: Instant) -> None:
        if self._watch is not None:
            self._watch.decided(decision, now)

    def _count(self, case: FaceCase, decision: Decision, rule: Rule, now: Instant) -> None:
        """A 1:N search that named nobody says how alike strangers are; a 1:1 comparison does not."""
        counts = self._counts
        counts.decisions[decision.outcome] = counts.decisions.get(decision.outcome, 0) + 1
        if decision.outcome == "unrecognisable":
            counts.unrecognisable[decision.reason] = counts.unrecognisable.get(decision.reason, 0) + 1
        searched = decision.outcome == "stranger" and case.claim is None and case.best > -1.0
        if searched and self._on_stranger is not None:
            templates = self._templates.templates
            self._on_stranger(case.best, templates, rule.bar(templates), now.wall)


def _middle(shot: Shot) -> tuple[float, float]:
    """Of the five points, pixels."""
    x, y = shot.five.mean(axis=0).tolist()
    return x, y
