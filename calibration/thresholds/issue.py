"""Joins what was earned with who it is for: the certificate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from calibration.thresholds.certificate import METHOD, Certificate, Figures, Model, Target
from calibration.thresholds.earn import Earned
from calibration.thresholds.errors import ThresholdError
from calibration.thresholds.records import ImpostorScore


def of_model(records: Sequence[ImpostorScore], name: str) -> tuple[tuple[ImpostorScore, ...], str | None]:
    """The records of one embedder and its hash. ThresholdError when there are none or the weights changed between."""
    chosen = tuple(record for record in records if record.model == name)
    if not chosen:
        others = ", ".join(sorted({record.model for record in records})) or "nothing"
        raise ThresholdError(f"--model {name}: no record of this embedder; the file holds {others}")
    hashes = sorted({record.sha256 for record in chosen})
    if len(hashes) > 1:
        listed = ", ".join(text[:12] or "unknown" for text in hashes)
        raise ThresholdError(
            f"--model {name}: the records come from different weights ({listed}); "
            "cosines of different embedders do not compare. Name the current ones with --model-sha256"
        )
    return chosen, hashes[0] or None


def issue(
    earned: Earned,
    records: Sequence[ImpostorScore],
    store: str,
    model: Model,
    margin: float,
    now: datetime,
    days: int,
    confusable_pairs: int | None,
) -> Certificate:
    """The certificate, with its digest."""
    moment = now.replace(microsecond=0)
    wish = earned.wish
    return Certificate(
        store=store,
        model=model,
        threshold=_up(earned.threshold),
        margin=margin,
        gallery_size=wish.gallery_size,
        holds_to_gallery_size=wish.certified_size,
        issued_at=moment,
        expires_at=moment + timedelta(days=days),
        target=Target(
            false_arrivals_per_day=wish.false_arrivals_per_day, visitors_per_day=wish.visitors_per_day, fpir=wish.fpir
        ),
        figures=_figures(earned, records, confusable_pairs),
        method=METHOD,
    ).sealed()


def _figures(earned: Earned, records: Sequence[ImpostorScore], confusable_pairs: int | None) -> Figures:
    tail = earned.tail
    return Figures(
        decisions=len(records),
        comparisons=sum(record.gallery for record in records),
        first_at=min(record.at for record in records),
        last_at=max(record.at for record in records),
        level=_short(tail.level),
        exceedances=len(earned.sample.excess),
        rate=_short(tail.rate),
        scale=_short(tail.scale),
        shape=_short(tail.shape),
        fit_p=_short(earned.fit.p_value),
        missed_share=_short(earned.sample.outliers),
        best_guess=_short(earned.best_guess),
        best_guess_interval=(_short(earned.interval[0]), _short(earned.interval[1])),
        confidence=earned.confidence,
        fpir_at_threshold=_short(earned.fpir_at_threshold),
        fpir_interval=(_short(earned.fpir_interval[0]), _short(earned.fpir_interval[1])),
        reach=_short(earned.reach),
        threshold_if_all_were_strangers=_short(earned.if_all_were_strangers),
        confusable_pairs=confusable_pairs,
    )


def _up(threshold: float) -> float:
    """Rounded to four places, never downward."""
    return -(-threshold * 10_000 // 1) / 10_000


def _short(value: float) -> float:
    return float(f"{value:.5g}")
