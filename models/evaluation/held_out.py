"""Verification with thresholds chosen on other people than those they are reported on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detections import Floats
from models.errors import MisconfiguredError
from models.evaluation.bootstrap import Estimate, Weights, estimate, identity_weights, weighted_share
from models.evaluation.thresholds import held_out_threshold
from models.evaluation.verification import Labels


@dataclass(frozen=True, slots=True)
class HeldOut:
    """By false accept rate aimed at: TAR, the FAR realised, and the mean threshold."""

    tar: dict[float, Estimate]
    far: dict[float, float]
    thresholds: dict[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Cosines of all pairs within one group of people; `owners` is the identity of each genuine pair."""

    genuine: Floats
    owners: Labels
    impostor: Floats


def held_out_verification(
    embeddings: Floats, labels: Labels, splits: int, resamples: int, fars: Sequence[float] = (1e-2, 1e-3)
) -> HeldOut:
    """Halve the identities `splits` times; threshold from one half's impostor pairs, rates on the other, both ways.

    The interval of TAR resamples the identities it is reported on; the threshold stays as chosen.
    """
    weights = identity_weights(int(labels.max()) + 1, resamples)
    tar: dict[float, list[Weights]] = {far: [] for far in fars}
    accepted: dict[float, list[float]] = {far: [] for far in fars}
    chosen: dict[float, list[float]] = {far: [] for far in fars}
    for seed in range(splits):
        halves = people_halves(labels, np.random.default_rng(seed))
        groups = [_pairs(embeddings, labels, half) for half in halves]
        for tuned, reported in (groups, groups[::-1]):
            if not (tuned.impostor.size and reported.genuine.size and reported.impostor.size):
                continue
            for far in fars:
                threshold = held_out_threshold(tuned.impostor, far)
                tar[far].append(weighted_share(reported.genuine > threshold, weights[:, reported.owners]))
                accepted[far].append(float((reported.impostor > threshold).mean()))
                chosen[far].append(threshold)
    if not any(chosen.values()):
        raise MisconfiguredError("verification needs four identities or more, with two photos of most of them")
    return HeldOut(
        tar={far: estimate(np.mean(rows, axis=0)) for far, rows in tar.items()},
        far={far: float(np.mean(rates)) for far, rates in accepted.items()},
        thresholds={far: float(np.mean(values)) for far, values in chosen.items()},
    )


def people_halves(labels: Labels, random: np.random.Generator) -> tuple[Labels, Labels]:
    """The identities in two random halves that share nobody."""
    people = random.permutation(np.unique(labels))
    return people[::2], people[1::2]


def _pairs(embeddings: Floats, labels: Labels, people: Labels) -> Pairs:
    chosen = np.isin(labels, people)
    vectors, owners = embeddings[chosen], labels[chosen]
    first, second = np.triu_indices(len(owners), 1)
    cosines = (vectors @ vectors.T)[first, second]
    same = owners[first] == owners[second]
    return Pairs(cosines[same], owners[first][same], cosines[~same])
