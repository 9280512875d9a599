"""`evaluate entrance`, the scoring: who came in against what the pipeline decided. Pure; the pipeline is the edge's.

The edge runs its pipeline on a video (`python -m edge evaluate-entrance`) and hands over what it decided per track.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import quantiles

LATE_S = 0.6
MIN_OVERLAP = 0.3
FAR_APART = 0.25
SAME_MOMENT_S = 0.25


@dataclass(frozen=True, slots=True)
class Sighting:
    """Centre of a face or body at a time, as fractions of the frame's width and height."""

    at_s: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Appearance:
    """Ground truth: one person in view from `start_s` to `end_s`; `subject` None for a stranger.

    `usable_s` is when the first usable face was there; None: never, so that nobody need recognise it.
    `path` may be empty; with it, people in view together are told apart by place.
    """

    subject: str | None
    start_s: float
    end_s: float
    usable_s: float | None
    path: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One word about a track: a subject's name when known, None otherwise (stranger, unrecognisable, refused)."""

    at_s: float
    subject: str | None


@dataclass(frozen=True, slots=True)
class DecidedTrack:
    """What the pipeline made of one track, decisions in order of time, the last one final."""

    start_s: float
    end_s: float
    decisions: tuple[Decision, ...]
    embedder_calls: int
    path: tuple[Sighting, ...] = ()
    embedded: tuple[Sighting, ...] = ()
    """Where each embedder call was spent; with it, calls count for whom they were spent on, whatever the track."""


Whose = Callable[[Sighting], int | None]
"""Which appearance (its place in the truth) the face at this place shows; None: nobody's."""


def score_entrance(
    truth: Sequence[Appearance],
    tracks: Sequence[DecidedTrack],
    total_ms: float,
    late_s: float = LATE_S,
    whose: Whose | None = None,
) -> dict[str, object]:
    """The report. Every track goes to the appearance it overlaps most; the rest are tracks of nobody.

    found: people with a track. right: enrolled people whose last named decision is theirs and who never had another
    name; strangers who never had one. wrong: people who were ever given a name that is not theirs. missed: enrolled
    people with a usable face who got no name. late: right, but first named more than `late_s` after the first
    usable face. Naming somebody a track of nobody counts in `nobody_named`.
    """
    owned = _assign(truth, tracks)
    people = [_Person(appearance, [tracks[i] for i in owned.get(k, [])]) for k, appearance in enumerate(truth)]
    enrolled = [person for person in people if person.appearance.subject is not None]
    strangers = [person for person in people if person.appearance.subject is None]
    ghosts = [tracks[i] for i in owned.get(None, [])]
    delays = sorted(delay for person in enrolled if (delay := person.delay_s) is not None)
    calls = _calls(truth, tracks, people, whose)
    return {
        "people": len(people),
        "enrolled": len(enrolled),
        "strangers": len(strangers),
        "found": sum(bool(person.tracks) for person in people),
        "right": sum(person.right for person in people),
        "wrong": sum(person.wrong for person in people),
        "strangers_named": sum(person.wrong for person in strangers),
        "missed": sum(person.missed for person in enrolled),
        "late": sum(delay > late_s for delay in delays),
        "delay_s": {"p50": _quantile(delays, 50), "p95": _quantile(delays, 95)},
        "tracks": len(tracks),
        "tracks_of_nobody": len(ghosts),
        "nobody_named": sum(any(decision.subject for decision in track.decisions) for track in ghosts),
        "embedder_calls": {
            "total": sum(track.embedder_calls for track in tracks),
            "per_person": round(sum(calls) / len(calls), 3) if calls else 0.0,
            "most": max(calls, default=0),
        },
        "ms_per_person": round(total_ms / len(people), 3) if people else 0.0,
    }


@dataclass(frozen=True, slots=True)
class _Person:
    """One appearance with the tracks that belong to it."""

    appearance: Appearance
    tracks: list[DecidedTrack]

    @property
    def named(self) -> list[Decision]:
        decisions = (decision for track in self.tracks for decision in track.decisions)
        return sorted((one for one in decisions if one.subject is not None), key=lambda one: one.at_s)

    @property
    def wrong(self) -> bool:
        return any(decision.subject != self.appearance.subject for decision in self.named)

    @property
    def right(self) -> bool:
        return not self.wrong and (self.appearance.subject is None or bool(self.named))

    @property
    def missed(self) -> bool:
        return self.appearance.usable_s is not None and not self.named

    @property
    def delay_s(self) -> float | None:
        """From the first usable face to the right name; None unless right."""
        if not self.right or self.appearance.usable_s is None or not self.named:
            return None
        return max(self.named[0].at_s - self.appearance.usable_s, 0.0)

    @property
    def embedder_calls(self) -> int:
        return sum(track.embedder_calls for track in self.tracks)


def _calls(
    truth: Sequence[Appearance], tracks: Sequence[DecidedTrack], people: Sequence[_Person], whose: Whose | None
) -> list[int]:
    """Embedder calls of each appearance: exactly, else by place where both are known, else by track."""
    spent = [sighting for track in tracks for sighting in track.embedded]
    if whose is None and (not spent or not all(appearance.path for appearance in truth)):
        return [person.embedder_calls for person in people]
    shown = Counter((whose or partial(_nearest, truth))(sighting) for sighting in spent)
    return [shown[number] for number in range(len(truth))]


def _nearest(truth: Sequence[Appearance], sighting: Sighting) -> int | None:
    """Who is nearest to that place at that moment."""
    away = [_away(sighting, appearance) for appearance in truth]
    nearest = min(range(len(away)), key=away.__getitem__)
    return nearest if away[nearest] < FAR_APART else None


def _away(sighting: Sighting, appearance: Appearance) -> float:
    """Distance at that moment; infinite when the person was not in sight then."""
    seen = [other for other in appearance.path if abs(other.at_s - sighting.at_s) <= SAME_MOMENT_S]
    return _distance(sighting, seen) if seen else math.inf


def _assign(truth: Sequence[Appearance], tracks: Sequence[DecidedTrack]) -> Mapping[int | None, list[int]]:
    owned: dict[int | None, list[int]] = {}
    for place, track in enumerate(tracks):
        scores = [_affinity(appearance, track) for appearance in truth]
        best = max(range(len(scores)), key=scores.__getitem__, default=None)
        owner = best if best is not None and scores[best] > 0 else None
        owned.setdefault(owner, []).append(place)
    return owned


def _affinity(appearance: Appearance, track: DecidedTrack) -> float:
    """Share of the track inside the appearance, less the further apart the two are; 0: not the same person."""
    shared = min(appearance.end_s, track.end_s) - max(appearance.start_s, track.start_s)
    share = shared / max(track.end_s - track.start_s, 1e-9) if shared > 0 else 0.0
    if share < MIN_OVERLAP:
        return 0.0
    if not appearance.path or not track.path:
        return min(share, 1.0)
    distance = sum(_distance(sighting, appearance.path) for sighting in track.path) / len(track.path)
    return min(share, 1.0) * max(1 - distance / FAR_APART, 0.0)


def _distance(sighting: Sighting, path: Sequence[Sighting]) -> float:
    nearest = min(path, key=lambda other: abs(other.at_s - sighting.at_s))
    return math.hypot(sighting.x - nearest.x, sighting.y - nearest.y)


def _quantile(ordered: Sequence[float], percent: int) -> float | None:
    if len(ordered) < 2:
        return round(ordered[0], 3) if ordered else None
    return round(quantiles(ordered, n=100, method="inclusive")[percent - 1], 3)
