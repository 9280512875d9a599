"""From shots to one of four outcomes: known, stranger, unrecognisable, refused. No I/O.

A person is known only above a threshold AND ahead of the runner-up subject; otherwise nobody is named, and the nearest
name leaves this module in no form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.values import Candidate, Decision, Instant, Vector
from edge.vision.ports import Templates
from edge.vision.shots import FaceCase, fused
from edge.vision.thresholds import VERIFY_THRESHOLD, default_threshold

_HOPELESS = ((2, 0.25), (3, 0.22))
"""After so many shots, none of them nearer than this to the threshold, more pictures would change nothing."""
_ALONE = 0.3
"""Lead over the runner-up from which one shot at the threshold is enough for a provisional name."""
_BEYOND_DOUBT = 2.0
"""Times the lead of one clear shot from which that one settles it: another could say nothing else."""
_PATIENT = 2.0
"""Times the patience for somebody who is like one of the gallery, but not enough: the head may be turned so far."""
_SURE = 3
"""So many shots that each reach the threshold settle it, also where none of them is clear."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Cosine threshold (None: by gallery size), margin to the runner-up, lead that one shot alone needs."""

    threshold: float | None
    target_fpir: float
    margin: float
    clear_lead: float
    shots: int
    patience_s: float

    def bar(self, templates: int) -> float:
        """The threshold that holds for a gallery of this size."""
        return default_threshold(templates, self.target_fpir) if self.threshold is None else self.threshold


def decide(case: FaceCase, templates: Templates, rule: Rule, now: Instant, *, ended: bool) -> Decision | None:
    """The decision these shots allow now; None while it is too early to tell."""
    if case.first_usable is None or not case.vectors:
        return _without_shots(case) if ended else None
    patience = rule.patience_s * (_PATIENT if _like_somebody(case, templates, rule) else 1.0)
    late = now.monotonic - case.first_usable.monotonic >= patience
    last = ended or late or case.calls >= case.shots_limit
    if case.claim is not None:
        return _verified(case, templates, last=last)
    return _identified(case, templates, rule, last=last)


def _like_somebody(case: FaceCase, templates: Templates, rule: Rule) -> bool:
    """Whether a search brought the person near one of the gallery, though not near enough for a name."""
    return case.claim is None and case.best >= rule.bar(templates.templates) - _HOPELESS[0][1]


def _without_shots(case: FaceCase) -> Decision:
    if not case.permitted:
        return Decision("refused", "final", reason=case.denial or "mode")
    return Decision("unrecognisable", "final", reason=case.main_flaw() or "short", first_usable=case.first_usable)


def _verified(case: FaceCase, templates: Templates, *, last: bool) -> Decision | None:
    claim = case.claim
    if claim is None:
        return None
    probe = fused(case.vectors, case.weights)
    similarity = templates.verify(claim.subject, probe)
    probe.fill(0)
    if similarity is not None and similarity >= VERIFY_THRESHOLD:
        confidence = _confidence(similarity, VERIFY_THRESHOLD)
        return Decision("known", "final", claim.subject, confidence, 0.0, "", case.first_usable, claim.visit)
    if last:
        return Decision("stranger", "final", reason="no_match", first_usable=case.first_usable, visit=claim.visit)
    return None


def _identified(case: FaceCase, templates: Templates, rule: Rule, *, last: bool) -> Decision | None:
    bar = rule.bar(templates.templates)
    asked = len(case.vectors), templates.version, bar, rule.margin, last
    if asked == case.asked:
        return None  # the same question has the same answer, and that was told
    case.asked = asked
    found = _found(case, templates, rule, bar)
    best = found.similarity if found is not None else -1.0
    case.best = max(case.best, best)
    # a name that was told once is taken back for a picture of somebody else, not for one that is less alike
    enough = VERIFY_THRESHOLD if found is not None and found.subject == case.provisional else bar
    if found is not None and found.similarity >= min(enough, bar) and found.margin >= rule.margin:
        return _known(case, found, templates, rule, bar, last=last)
    hopeless = any(len(case.vectors) >= shots and case.best < bar - below for shots, below in _HOPELESS)
    if last or hopeless:
        return Decision("stranger", "final", first_usable=case.first_usable)
    return None


def _found(case: FaceCase, templates: Templates, rule: Rule, bar: float) -> Candidate | None:
    """Who the pictures together are most like; or the newest by itself, where it is clear or leads everybody by far:
    beside it poor ones say nothing (measured by person: docs/recognition.md, "Several pictures")."""
    probe = fused(case.vectors, case.weights)
    together = templates.search(probe)
    probe.fill(0)
    if together is None or len(case.vectors) == 1 or together.similarity >= bar + rule.clear_lead:
        return together
    single = templates.search(case.vectors[-1])
    if single is None or single.similarity <= together.similarity:
        return together
    return single if single.similarity >= bar + rule.clear_lead or _alone(single) else together


def _alone(found: Candidate) -> bool:
    """Whether nobody else of the gallery is anywhere near."""
    return found.runner_up > -1.0 and found.margin >= _ALONE


def _known(
    case: FaceCase, found: Candidate, templates: Templates, rule: Rule, bar: float, *, last: bool
) -> Decision | None:
    clear = found.similarity >= bar + rule.clear_lead
    agreeing = _agreeing(case.vectors, found.subject, templates, bar)
    if not (clear or _alone(found) or agreeing >= 2 or last):
        return None
    beyond = found.similarity >= bar + _BEYOND_DOUBT * rule.clear_lead
    settled = last or beyond or agreeing >= (2 if clear else _SURE)
    stage: Literal["provisional", "final"] = "final" if settled else "provisional"
    confidence = _confidence(found.similarity, bar)
    margin = min(max(found.margin, 0.0), 2.0)
    return Decision("known", stage, found.subject, confidence, margin, "", case.first_usable)


def _agreeing(vectors: list[Vector], subject: str, templates: Templates, bar: float) -> int:
    """Shots that reach the threshold with this subject each by itself."""
    scores = (templates.verify(subject, vector) for vector in vectors)
    return sum(score is not None and score >= bar for score in scores)


def _confidence(similarity: float, bar: float) -> float:
    """0.5 at the threshold, 1 at cosine 1: an order for people to read, not a probability."""
    return min(1.0, 0.5 + 0.5 * (similarity - bar) / max(1.0 - bar, 1e-6))
