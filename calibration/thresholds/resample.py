"""Bootstrap of the whole fit, by hour: people who come in together or twice are not independent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calibration.thresholds.tail import Floats, Sample, Tail, fit

REPLICATES = 300
_FEWEST = 10


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """For each hour: how many records and comparisons lie below the level; for each exceedance: its hour."""

    below: npt.NDArray[np.int64]
    below_comparisons: Floats
    of_excess: npt.NDArray[np.int64]


def hours_of(scores: Floats, galleries: Floats, hours: npt.NDArray[np.int64], level: float) -> Hours:
    """`hours`: any integer that is equal for records of one hour, in the order of the scores."""
    names, index = np.unique(hours, return_inverse=True)
    under = scores <= level
    count = len(names)
    comparisons = np.bincount(index[under], galleries[under], count).astype(np.float64)
    return Hours(np.bincount(index[under], minlength=count), comparisons, index[~under])


def design_effect(hours: Hours) -> float:
    """How many times more the exceedances vary from hour to hour than if people were independent; at least 1.

    Kish's (1965) variance of a cluster sample over that of a simple one. Profile limits are widened by it: a likelihood
    counts one person who is seen twenty times as twenty people (Rao & Scott 1981).
    """
    over = np.bincount(hours.of_excess, minlength=len(hours.below)).astype(np.float64)
    records = hours.below + over
    share = over.sum() / records.sum()
    spread = float(((over - share * records) ** 2).sum())
    return max(1.0, spread / float(share * (1.0 - share) * records.sum()))


def resampled_tails(sample: Sample, hours: Hours, random: np.random.Generator, replicates: int) -> list[Tail]:
    """Tails fitted on hours drawn with replacement. Replicates with hardly an exceedance are drawn again."""
    tails: list[Tail] = []
    count = len(hours.below)
    for _ in range(10 * replicates):
        times = np.bincount(random.integers(0, count, count), minlength=count)
        repeats = times[hours.of_excess]
        if repeats.sum() >= _FEWEST:
            tails.append(fit(_drawn(sample, hours, times, repeats)))
        if len(tails) == replicates:
            break
    return tails


def _drawn(sample: Sample, hours: Hours, times: npt.NDArray[np.int64], repeats: npt.NDArray[np.int64]) -> Sample:
    below_comparisons = float((times * hours.below_comparisons).sum())
    galleries = np.repeat(sample.galleries, repeats)
    grown = (below_comparisons + galleries.sum()) / sample.comparisons
    return replace(
        sample,
        excess=np.repeat(sample.excess, repeats),
        galleries=galleries,
        below=int((times * hours.below).sum()),
        below_comparisons=below_comparisons,
        bar_comparisons=sample.bar_comparisons * grown,
    )
