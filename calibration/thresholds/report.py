"""What the operator reads: the threshold, how far to trust it, the tail as a picture of characters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from calibration.thresholds.certificate import Certificate
from calibration.thresholds.earn import SAFE_REACH, Earned
from calibration.thresholds.pairs import Pair
from calibration.thresholds.rates import fpir

_ROWS, _WIDTH = 14, 56
_MOST_PAIRS = 20


_SEVERAL = 1.2


def report(earned: Earned, certificate: Certificate, pairs: Sequence[Pair] | None) -> str:
    """Plain text, ends with a newline."""
    parts = [*_verdict(earned, certificate), "", *_evidence(earned), "", *_picture(earned)]
    if pairs is not None:
        parts += ["", *_confusable(pairs)]
    return "\n".join(parts) + "\n"


def _verdict(earned: Earned, certificate: Certificate) -> Iterator[str]:
    wish = earned.wish
    yield f"threshold {certificate.threshold:.4f}, margin {certificate.margin:g}"
    yield (
        f"  store {certificate.store}, embedder {certificate.model.name}, {wish.gallery_size} templates "
        f"(holds up to {wish.certified_size}), until {certificate.expires_at:%Y-%m-%d}"
    )
    yield (
        f"  target: {wish.false_arrivals_per_day:g} false arrivals a day at {wish.visitors_per_day:g} visitors, "
        f"so FPIR {wish.fpir:.1e}: held with {earned.confidence:.0%} confidence"
    )
    low, high = earned.fpir_interval
    day = wish.visitors_per_day
    yield (
        f"  expected at this threshold: FPIR {_rate(earned.fpir_at_threshold)} (95 %: {_rate(low)} to {_rate(high)}), "
        f"{_rate(earned.fpir_at_threshold * day)} false arrivals a day"
    )
    low, high = earned.interval
    yield f"  best guess without a safety margin: {earned.best_guess:.4f} (95 %: {low:.4f} to {high:.4f})"


def _evidence(earned: Earned) -> Iterator[str]:
    tail, sample = earned.tail, earned.sample
    yield f"{sample.records} decisions, {sample.comparisons:.0f} comparisons with single templates"
    yield (
        f"tail: {len(sample.excess)} scores above {tail.level:.3f}; generalised Pareto, "
        f"scale {tail.scale:.4f}, shape {tail.shape:+.3f}"
    )
    yield f"fit: Anderson-Darling {earned.fit.statistic:.2f}, p = {earned.fit.p_value:.2f} (poor below 0.05)"
    if earned.design_effect >= _SEVERAL:
        yield f"dependence: {earned.design_effect:.1f} records of an hour say as much as one; the limit allows for it"
    far_out = "" if earned.reach <= SAFE_REACH else f" More than {SAFE_REACH:g} times: the 99 % limit is used."
    if earned.reach > 1.0:
        yield f"reach: the target is {earned.reach:.1f} times rarer than anything these scores could show.{far_out}"
    else:
        yield "reach: the target lies within what these scores have seen"
    if sample.outliers > 0.0:
        yield (
            f"missed: about {sample.outliers:.2%} of the decisions look like enrolled people who were not recognised; "
            f"they were set apart{_vouched(earned)}"
        )
        yield f"  if all of them were strangers, the threshold would be {earned.if_all_were_strangers:.4f}"
    else:
        yield "missed: no sign of enrolled people among the strangers"


def _rate(value: float) -> str:
    """A bounded tail ends somewhere; what it says beyond its end is not that nothing can happen."""
    return f"{value:.1e}" if value >= 1e-9 else "below 1e-9"


def _vouched(earned: Earned) -> str:
    return "" if earned.wish.vouched else ", but without --missed the threshold stays above them"


def _picture(earned: Earned) -> Iterator[str]:
    """Share of decisions above a score: what was seen (#), what the fit says (o), logarithmic."""
    yield "share of decisions above a score (# seen, o fitted, | target)"
    decades = max(math.ceil(-math.log10(earned.wish.fpir)), 3)
    gallery = earned.sample.comparisons / earned.sample.records
    top = max(earned.threshold, float(earned.scores.max()))
    for score in np.linspace(earned.tail.level, top, _ROWS):
        seen = float((earned.scores > score).mean())
        row = [" "] * (_WIDTH + 1)
        row[_column(earned.wish.fpir, decades)] = "|"
        row[: _column(seen, decades)] = "#" * _column(seen, decades)
        row[_column(fpir(earned.tail.far(float(score)), gallery), decades)] = "o"
        yield f"  {score:.3f} {''.join(row).rstrip()}"
    yield f"        1e-{decades}{'1':>{_WIDTH - 4}}"


def _column(share: float, decades: int) -> int:
    if share <= 0.0:
        return 0
    return round(_WIDTH * min(max(1.0 + math.log10(share) / decades, 0.0), 1.0))


def _confusable(pairs: Sequence[Pair]) -> Iterator[str]:
    if not pairs:
        yield "confusable pairs: none within the margin of the threshold"
        return
    yield f"confusable pairs: {len(pairs)} (the same person enrolled twice, or people who look alike; a human decides)"
    for pair in pairs[:_MOST_PAIRS]:
        yield f"  {pair.score:.4f}  {pair.subject}  {pair.other}"
    if len(pairs) > _MOST_PAIRS:
        yield f"  and {len(pairs) - _MOST_PAIRS} more"
