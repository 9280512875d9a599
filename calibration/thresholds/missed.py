"""How many of the "strangers" are enrolled people who were missed.

They score higher than strangers do and would drag the tail upward, the threshold with it, and so miss more people. A
second component, flat between the level and the highest score, is admitted when the records clearly ask for it
(likelihood ratio), and never with more than the share the operator allows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calibration.thresholds.tail import Sample, fit, misfit

LIKELIHOOD_RATIO = 9.0
"""Twice the log-likelihood gained; by chance about one clean sample in 700 does (chi-squared, 1, half)."""


def set_apart_missed(sample: Sample, most: float) -> Sample:
    """The sample with its share of outliers: 0 unless it explains the records clearly better."""
    if most <= 0.0:
        return sample
    plain = misfit(fit(sample), sample)
    shares = [share for share in np.geomspace(0.25 / sample.records, most, 12) if share < 1.0]
    tried = [replace(sample, outliers=float(share)) for share in shares]
    misfits = [misfit(fit(candidate), candidate) for candidate in tried]
    best = int(np.argmin(misfits))
    return tried[best] if 2.0 * (plain - misfits[best]) >= LIKELIHOOD_RATIO else sample
