"""Strangers whose tail is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from calibration.thresholds.records import ImpostorScore

TAILS = {
    "normal": stats.norm(0.02, 0.085),
    "bounded": stats.genpareto(-0.1, 0.05, 0.045),
    "faces": stats.genpareto(-0.05, 0.0, 0.04),
}
BAR = 0.62
Strangers = Callable[..., list[ImpostorScore]]


@pytest.fixture(scope="session")
def strangers() -> Strangers:
    """strangers(tail, count, seed, gallery=(60, 120), missed=0.0) -> records as an edge would have written them."""

    def draw(
        tail: str, count: int, seed: int, gallery: tuple[int, int] = (60, 120), missed: float = 0.0
    ) -> list[ImpostorScore]:
        random = np.random.default_rng(seed)
        sizes = random.integers(*gallery, count)
        scores = TAILS[tail].isf(-np.expm1(np.log(random.random(count)) / sizes))
        enrolled = random.random(count) < missed
        scores[enrolled] = random.normal(0.62, 0.12, enrolled.sum())
        start = datetime(2026, 11, 2, 8, tzinfo=UTC)
        return [
            ImpostorScore(
                at=start + timedelta(hours=index // 40),
                score=round(float(score), 4),
                gallery=int(size),
                bar=BAR,
                model="faceplugin-512",
                sha256="ab" * 32,
            )
            for index, (score, size) in enumerate(zip(scores, sizes, strict=True))
            if score < BAR
        ]

    return draw


@pytest.fixture(scope="session")
def true_fpir() -> Callable[[str, float, int], float]:
    """What a threshold really lets through."""
    return lambda tail, threshold, gallery: float(-np.expm1(gallery * np.log1p(-TAILS[tail].sf(threshold))))
