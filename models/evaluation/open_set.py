"""Open-set identification (ISO/IEC 19795-1): known people among strangers, averaged over random galleries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detections import Floats
from models.errors import MisconfiguredError
from models.evaluation.verification import Labels, threshold_at


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Means over the splits; `tpir` by false positive identification rate."""

    gallery: int
    enrolled_photos: int
    splits: int
    rank1: float
    tpir: dict[float, float]
    tpir_std: dict[float, float]
    thresholds: dict[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Split:
    """One gallery Gxd with its labels, probes of enrolled people, and strangers."""

    gallery: Floats
    gallery_labels: Labels
    probes: Floats
    probe_labels: Labels
    strangers: Floats
    missed: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    gallery: int
    rank1: float
    tpir: tuple[float, ...]
    thresholds: tuple[float, ...]


def open_set(
    embeddings: Floats,
    labels: Labels,
    enrolled: int,
    splits: int,
    *,
    fpirs: Sequence[float] = (1e-2,),
    undetected: Labels | None = None,
) -> OpenSet:
    """Enrol half of the identities with the mean of `enrolled` photos, probe with the rest, `splits` times.

    `undetected` holds the identity of every photo without a usable face: a probe of an enrolled person that
    was not even detected counts as missed. TPIR asks for the right name above the threshold.
    """
    lost = np.zeros(0, np.int64) if undetected is None else undetected
    outcomes = [
        _score(_split(embeddings, labels, lost, enrolled, np.random.default_rng(seed)), fpirs) for seed in range(splits)
    ]
    tpir = np.array([outcome.tpir for outcome in outcomes])
    thresholds = np.array([outcome.thresholds for outcome in outcomes])
    return OpenSet(
        gallery=round(float(np.mean([outcome.gallery for outcome in outcomes]))),
        enrolled_photos=enrolled,
        splits=splits,
        rank1=float(np.mean([outcome.rank1 for outcome in outcomes])),
        tpir=dict(zip(fpirs, tpir.mean(axis=0).tolist(), strict=True)),
        tpir_std=dict(zip(fpirs, tpir.std(axis=0).tolist(), strict=True)),
        thresholds=dict(zip(fpirs, thresholds.mean(axis=0).tolist(), strict=True)),
    )


def _split(
    embeddings: Floats, labels: Labels, undetected: Labels, enrolled: int, random: np.random.Generator
) -> _Split:
    people = random.permutation(np.unique(labels))
    candidates, strangers = people[: len(people) // 2], people[len(people) // 2 :]
    gallery: list[Floats] = []
    names: list[int] = []
    probes: list[int] = []
    for person in candidates:
        photos = random.permutation(np.flatnonzero(labels == person))
        if len(photos) > enrolled:
            template = embeddings[photos[:enrolled]].mean(axis=0)
            gallery.append(template / np.linalg.norm(template))
            names.append(int(person))
            probes.extend(photos[enrolled:])
    if not gallery or not len(strangers):
        raise MisconfiguredError(
            f"open-set identification with {enrolled} enrolled photos needs identities with {enrolled + 1} photos "
            "or more, and as many strangers again"
        )
    return _Split(
        gallery=np.stack(gallery),
        gallery_labels=np.array(names),
        probes=embeddings[probes],
        probe_labels=labels[probes],
        strangers=embeddings[np.isin(labels, strangers)],
        missed=int(np.isin(undetected, names).sum()),
    )


def _score(split: _Split, fpirs: Sequence[float]) -> _Outcome:
    known = split.probes @ split.gallery.T
    stranger = (split.strangers @ split.gallery.T).max(axis=1)
    right = split.gallery_labels[known.argmax(axis=1)] == split.probe_labels
    best = known.max(axis=1)
    asked = len(right) + split.missed
    thresholds = tuple(threshold_at(stranger, rate) for rate in fpirs)
    return _Outcome(
        gallery=len(split.gallery),
        rank1=float(right.sum() / asked),
        tpir=tuple(float((right & (best > threshold)).sum() / asked) for threshold in thresholds),
        thresholds=thresholds,
    )
