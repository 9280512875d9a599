"""From false arrivals a day to the false accept rate of one comparison, and back.

FPIR(N) = 1 - (1 - FAR)^N: a stranger is named when at least one of N gallery templates accepts (ISO/IEC 19795-1).
Several templates of one person are not independent, so the formula overstates FPIR; the same holds for the scores the
tail is fitted on, and only the ratio of the two gallery sizes matters.
"""

from __future__ import annotations

import math


def target_fpir(false_arrivals_per_day: float, visitors_per_day: float) -> float:
    """Share of strangers that may be named: PRIVACY B2, 0.1 a day at 2,000 visitors, is 5e-5."""
    return false_arrivals_per_day / visitors_per_day


def fpir(far: float, gallery_size: float) -> float:
    """False positive identification rate of a gallery of N templates."""
    return -math.expm1(gallery_size * math.log1p(-far)) if far < 1.0 else 1.0


def far_for(wanted_fpir: float, gallery_size: float) -> float:
    """The false accept rate per template that gives this FPIR: 1 - (1 - FPIR)^(1/N)."""
    return -math.expm1(math.log1p(-wanted_fpir) / gallery_size)
