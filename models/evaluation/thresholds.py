"""Thresholds chosen on one set of impostors so that they hold on another."""

from __future__ import annotations

import numpy as np

from models.detections import Floats


def held_out_threshold(impostor: Floats, rate: float) -> float:
    """A threshold that the score of a new impostor exceeds with probability <= `rate`.

    The split-conformal quantile: of n scores the floor(rate * (n + 1))-th largest. With fewer than 1/rate - 1 scores no
    threshold can promise the rate; the largest score is taken, and the realised rate says what that was worth.
    """
    ordered = np.sort(impostor)[::-1]
    place = int(rate * (len(ordered) + 1))
    return float(ordered[max(place, 1) - 1])
