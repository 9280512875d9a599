"""Open-set identification (ISO/IEC 19795-1): known people among strangers, averaged over random galleries.

The strangers of every gallery are halved by identity: the threshold is chosen on one half, and the rates are reported
on the other, both ways round. No identity is ever in two of the three groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.detections import Floats
from models.errors import MisconfiguredError
from models.evaluation.bootstrap import Estimate, Weights, estimate, identity_weights, weighted_share
from models.evaluation.det import Point, det_points
from models.evaluation.thresholds import held_out_threshold
from models.evaluation.verification import Labels

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """N photos: unit rows NxD as a camera would see them and as enrolment would store them.

    `found` and `enrollable` say which rows hold a vector; a photo without a face stays in, as a miss.
    """

    labels: Labels
    probes: Floats
    found: Mask
    templates: Floats
    enrollable: Mask


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Means over the galleries; `tpir`, `fpir` (realised) and `thresholds` by the false positive rate aimed at."""

    gallery: int
    enrolled_photos: int
    splits: int
    rank1: Estimate
    tpir: dict[float, Estimate]
    fpir: dict[float, Estimate]
    thresholds: dict[float, float]
    det: list[Point]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Identities of one random gallery and of its two groups of strangers; which photos enrol and which probe."""

    enrolled: Labels
    strangers: tuple[Labels, Labels]
    enrolled_photos: tuple[npt.NDArray[np.intp], ...]
    probes: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """Cosines of one split: of probes with their own name (-inf where that is not the best), and of strangers."""

    right: Floats
    probe_labels: Labels
    strangers: tuple[Floats, Floats]
    stranger_labels: tuple[Labels, Labels]
    tuning: tuple[Floats, Floats]


def open_set(
    faces: Faces,
    enrolled: int,
    splits: int,
    *,
    fpirs: Sequence[float] = (1e-2,),
    resamples: int = 0,
    tune_on: Faces | None = None,
) -> OpenSet:
    """Enrol half of the identities with `enrolled` photos each, probe with the rest of theirs, `splits` times.

    TPIR asks for the right name above the threshold. `tune_on` takes the strangers that choose the threshold from
    other pictures of the same people (a store has one threshold for near and far faces). MisconfiguredError when
    the photos do not suffice.
    """
    weights = identity_weights(int(faces.labels.max()) + 1, resamples)
    drawn = [draw_split(faces, enrolled, np.random.default_rng(seed)) for seed in range(splits)]
    scored = [_score(split, faces, tune_on or faces) for split in drawn]
    rank1 = [weighted_share(np.isfinite(one.right), weights[:, one.probe_labels]) for one in scored]
    rates = {rate: np.array([_rates(one, weights, rate, way) for one in scored for way in (0, 1)]) for rate in fpirs}
    return OpenSet(
        gallery=round(float(np.mean([len(split.enrolled) for split in drawn]))),
        enrolled_photos=enrolled,
        splits=splits,
        rank1=estimate(np.mean(rank1, axis=0)),
        tpir={rate: estimate(found[:, 0].mean(axis=0)) for rate, found in rates.items()},
        fpir={rate: estimate(found[:, 1].mean(axis=0)) for rate, found in rates.items()},
        thresholds={rate: float(found[:, 2, 0].mean()) for rate, found in rates.items()},
        det=det_points(
            np.concatenate([one.right for one in scored]),
            np.concatenate([scores for one in scored for scores in one.strangers]),
            positive="fpir",
            negative="fnir",
        ),
    )


def draw_split(faces: Faces, enrolled: int, random: np.random.Generator) -> Split:
    """Half of the identities as candidates for the gallery, a quarter and a quarter as strangers."""
    people = random.permutation(np.unique(faces.labels))
    candidates, strangers = people[: len(people) // 2], people[len(people) // 2 :]
    names: list[int] = []
    templates: list[npt.NDArray[np.intp]] = []
    probes: list[npt.NDArray[np.intp]] = []
    for person in candidates:
        photos = np.flatnonzero(faces.labels == person)
        usable = random.permutation(photos[faces.enrollable[photos]])
        if len(usable) > enrolled:
            names.append(int(person))
            templates.append(usable[:enrolled])
            probes.append(np.setdiff1d(photos, usable[:enrolled]))
    if not names or len(strangers) < 2:
        raise MisconfiguredError(
            f"open-set identification with {enrolled} enrolled photos needs identities with {enrolled + 1} photos "
            "or more, and as many strangers again"
        )
    halves = (strangers[::2], strangers[1::2])
    return Split(np.array(names, np.int64), halves, tuple(templates), np.concatenate(probes))


def require_disjoint(split: Split) -> None:
    """ValueError when an identity is in two of: the gallery, the tuning strangers, the reported strangers."""
    groups = [set(split.enrolled.tolist()), *(set(half.tolist()) for half in split.strangers)]
    for place, group in enumerate(groups):
        for other in groups[place + 1 :]:
            if group & other:
                raise ValueError(f"identities {sorted(group & other)} are in two groups of one split")


def _score(split: Split, faces: Faces, tune_on: Faces) -> _Scored:
    require_disjoint(split)
    means = np.stack([faces.templates[photos].mean(axis=0) for photos in split.enrolled_photos])
    gallery = np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)
    cosines = faces.probes[split.probes] @ gallery.T
    labels = faces.labels[split.probes]
    right = (split.enrolled[cosines.argmax(axis=1)] == labels) & faces.found[split.probes]
    reported = [_stranger_scores(faces, half, gallery) for half in split.strangers]
    tuning = reported if tune_on is faces else [_stranger_scores(tune_on, half, gallery) for half in split.strangers]
    return _Scored(
        right=np.where(right, cosines.max(axis=1), -np.inf).astype(np.float32),
        probe_labels=labels,
        strangers=(reported[0][0], reported[1][0]),
        stranger_labels=(reported[0][1], reported[1][1]),
        tuning=(tuning[0][0], tuning[1][0]),
    )


def _stranger_scores(faces: Faces, people: Labels, gallery: Floats) -> tuple[Floats, Labels]:
    photos = np.flatnonzero(np.isin(faces.labels, people) & faces.found)
    if not len(photos):
        raise MisconfiguredError("no face of half of the strangers was found; more identities are needed")
    return np.asarray((faces.probes[photos] @ gallery.T).max(axis=1), np.float32), faces.labels[photos]


def _rates(scored: _Scored, weights: Weights, rate: float, way: int) -> npt.NDArray[np.float64]:
    """3xR: TPIR, realised FPIR and threshold, tuned on strangers `way` and reported on the others."""
    other = 1 - way
    threshold = held_out_threshold(scored.tuning[way], rate)
    tpir = weighted_share(scored.right > threshold, weights[:, scored.probe_labels])
    fpir = weighted_share(scored.strangers[other] > threshold, weights[:, scored.stranger_labels[other]])
    return np.stack([tpir, fpir, np.full_like(tpir, threshold)])
