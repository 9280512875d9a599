"""Real impostor scores: the tail fitted on half of the identities, judged on the other half."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from calibration.thresholds.earn import Wish, earn
from calibration.thresholds.records import ImpostorScore

FACES = Path(__file__).parents[4] / "shared" / "data" / "faces"
Vectors = npt.NDArray[np.float32]
GALLERY = 25
"""People enrolled, one photo each; all others of the half are strangers."""


@pytest.fixture(scope="module")
def embedded() -> tuple[Vectors, npt.NDArray[np.int64]]:
    if not FACES.is_dir():
        pytest.skip("../shared/data/faces is not here")
    pytest.importorskip("insightface", reason="the face packages are not installed")
    from contract.clock import SystemClock
    from models.build.progress import Progress
    from models.catalogue import models_for
    from models.evaluation.photos import Stopwatch, embed_photos, labelled_photos
    from models.faces import load_face_models
    from models.weights import default_weights_dir, fault, read_manifest

    built = read_manifest(default_weights_dir())
    if any(fault(row, default_weights_dir(), built) for row in models_for("face-")):
        pytest.skip("the face weights are not built: run `python -m models build`")
    clock = SystemClock()
    models = load_face_models(default_weights_dir())
    return embed_photos(labelled_photos(FACES), models, Stopwatch(clock), Progress(clock)).matrix()


def top_scores(
    vectors: Vectors, people: npt.NDArray[np.int64], random: np.random.Generator, rounds: int
) -> list[float]:
    """Best cosine of each stranger with a gallery of GALLERY people, for several random galleries."""
    found: list[float] = []
    names = np.unique(people)
    for _ in range(rounds):
        enrolled = random.permutation(names)[:GALLERY]
        rows = [random.choice(np.flatnonzero(people == name)) for name in enrolled]
        strangers = vectors[~np.isin(people, enrolled)]
        found += (strangers @ vectors[rows].T).max(axis=1).tolist()
    return found


def test_half_of_the_identities_certify_for_the_other_half(
    embedded: tuple[Vectors, npt.NDArray[np.int64]], record_property: pytest.RecordProperty
) -> None:
    vectors, people = embedded
    realised, wish = [], Wish(GALLERY, false_arrivals_per_day=4.0)
    for seed in range(4):
        random = np.random.default_rng(seed)
        first = np.isin(people, random.permutation(np.unique(people))[: len(np.unique(people)) // 2])
        seen = top_scores(vectors[first], people[first], random, 8)
        start = datetime(2026, 11, 2, tzinfo=UTC)
        records = [
            ImpostorScore(
                at=start + timedelta(hours=i // 30), score=float(np.clip(s, -1, 1)), gallery=GALLERY, bar=0.9, model="m"
            )
            for i, s in enumerate(seen)
        ]
        threshold = earn(records, wish, replicates=40).threshold
        others = np.array(top_scores(vectors[~first], people[~first], random, 20))
        realised.append(float((others >= threshold).mean()))
        print(f"threshold {threshold:.3f}, target FPIR {wish.fpir:.1e}, realised {realised[-1]:.1e} of {len(others)}")
    record_property("realised_fpir", realised)
    assert np.mean(realised) <= wish.fpir
    assert sum(rate <= wish.fpir for rate in realised) >= 3
