"""One-to-one comparison over all pairs: equal error rate and true accept rate at a false accept rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.detections import Floats
from models.errors import MisconfiguredError

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """Rates 0..1; `tar` and `thresholds` by false accept rate, both on the same pairs. Scores are cosines."""

    genuine_pairs: int
    impostor_pairs: int
    eer: float
    tar: dict[float, float]
    thresholds: dict[float, float]
    genuine: Floats
    impostor: Floats


def verification(embeddings: Floats, labels: Labels, fars: Sequence[float] = (1e-2, 1e-3)) -> Verification:
    """Compare every pair of Nxd unit rows. MisconfiguredError without both genuine and impostor pairs."""
    first, second = np.triu_indices(len(labels), 1)
    scores = (embeddings @ embeddings.T)[first, second]
    same = labels[first] == labels[second]
    genuine, impostor = scores[same], scores[~same]
    if not genuine.size or not impostor.size:
        raise MisconfiguredError("verification needs two identities and two photos of one of them")
    thresholds = {far: threshold_at(impostor, far) for far in fars}
    return Verification(
        genuine_pairs=len(genuine),
        impostor_pairs=len(impostor),
        eer=equal_error_rate(genuine, impostor),
        tar={far: float((genuine > threshold).mean()) for far, threshold in thresholds.items()},
        thresholds=thresholds,
        genuine=genuine,
        impostor=impostor,
    )


def threshold_at(impostor: Floats, rate: float) -> float:
    """The score above which at most a fraction `rate` of the impostor scores lie."""
    ordered = np.sort(impostor)[::-1]
    return float(ordered[min(int(rate * len(ordered)), len(ordered) - 1)])


def equal_error_rate(genuine: Floats, impostor: Floats) -> float:
    """Where false accepts and false rejects are equally frequent, 0..1 (mean of both at the nearest score)."""
    candidates = np.unique(np.concatenate([genuine, impostor]))
    accepts = 1 - np.searchsorted(np.sort(impostor), candidates, side="left") / len(impostor)
    rejects = np.searchsorted(np.sort(genuine), candidates, side="left") / len(genuine)
    nearest = int(np.argmin(np.abs(accepts - rejects)))
    return float((accepts[nearest] + rejects[nearest]) / 2)
