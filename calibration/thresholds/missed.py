"""How many of the "strangers" are enrolled people who were missed.

They score higher than strangers do and would drag the tail upward, the threshold with it, and so miss more people. A
second component, flat between the level and the highest score, is admitted when the records clearly ask for it
(likelihood ratio), and never with more than the share the operator allows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calibration.thresholds.tail import Sample, fit, misfit

LIKELIHOOD_RATIO = 15.0
"""Twice the log-likelihood gained. Clean samples hardly ever gain so much; a heavier tail than expected gains some."""
_EQUALLY_GOOD = 2.7


def set_apart_missed(sample: Sample, most: float) -> Sample:
    """The sample with its share of outliers: 0 unless that explains the records clearly better.

    Of the shares that explain them about equally well the smallest is taken: what is set apart lowers the threshold.
    """
    if most <= 0.0:
        return sample
    plain = misfit(fit(sample), sample)
    shares = np.geomspace(0.25 / sample.records, max(most, 0.5 / sample.records), 12)
    tried = [replace(sample, outliers=float(share)) for share in shares]
    misfits = np.array([misfit(fit(candidate), candidate) for candidate in tried])
    if 2.0 * (plain - misfits.min()) < LIKELIHOOD_RATIO:
        return sample
    return tried[int(np.argmax(2.0 * (misfits - misfits.min()) <= _EQUALLY_GOOD))]
