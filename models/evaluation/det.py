"""Detection error tradeoff: how misses fall as false positives are allowed to rise (Martin et al. 1997)."""

from __future__ import annotations

import numpy as np

from models.detections import Floats
from models.evaluation.verification import threshold_at

Point = dict[str, float]
RATES = (0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001, 0.0005, 0.0003, 0.0001)


def det_points(genuine: Floats, impostor: Floats, *, positive: str, negative: str) -> list[Point]:
    """Points of the curve at round false positive rates that the data can resolve (10 impostors above or more).

    A miss is a genuine score at or below the threshold. `positive` and `negative` name the two rates.
    """
    points = []
    for rate in RATES:
        if rate * len(impostor) < 10:
            break
        threshold = threshold_at(impostor, rate)
        points.append(
            {
                "threshold": round(threshold, 4),
                positive: round(float((impostor > threshold).mean()), 6),
                negative: round(float(np.mean(genuine <= threshold)), 6),
            }
        )
    return points
