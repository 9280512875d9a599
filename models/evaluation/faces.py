"""`evaluate faces`: verification and open-set identification on DIR/<identity>/<n>.jpg."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contract.clock import Clock
from models.build.progress import Progress
from models.evaluation.open_set import OpenSet, open_set
from models.evaluation.photos import Embedded, Stopwatch, embed_photos, labelled_photos
from models.evaluation.verification import Verification, verification
from models.faces import FaceModels

DIGITS = 5


def evaluate_faces(
    folder: Path, models: FaceModels, enrolled: int, splits: int, clock: Clock, progress: Progress
) -> dict[str, object]:
    """The report of DESIGN.md section 9, plus thresholds and spreads."""
    watch = Stopwatch(clock)
    embedded = embed_photos(labelled_photos(folder), models, watch, progress)
    vectors, labels = embedded.matrix()
    progress.say("comparing all pairs")
    pairs = verification(vectors, labels)
    progress.say(f"identifying in {splits} random galleries, {enrolled} photos enrolled each")
    identified = open_set(vectors, labels, enrolled, splits, undetected=np.array(embedded.undetected, np.int64))
    return face_report(models.name, embedded, pairs, identified, watch)


def face_report(
    name: str, embedded: Embedded, pairs: Verification, identified: OpenSet, watch: Stopwatch
) -> dict[str, object]:
    return {
        "models": name,
        "identities": len(embedded.identities),
        "images": embedded.images,
        "detected": len(embedded.labels),
        "verification": {
            "genuine_pairs": pairs.genuine_pairs,
            "impostor_pairs": pairs.impostor_pairs,
            "eer": round(pairs.eer, DIGITS),
            "tar_at_far": by_rate(pairs.tar),
            "threshold_at_far": by_rate(pairs.thresholds),
        },
        "open_set": {
            "gallery": identified.gallery,
            "enrolled_photos": identified.enrolled_photos,
            "splits": identified.splits,
            "rank1": round(identified.rank1, DIGITS),
            "tpir_at_fpir": by_rate(identified.tpir),
            "tpir_std": by_rate(identified.tpir_std),
            "threshold_at_fpir": by_rate(identified.thresholds),
        },
        "ms": {step: round(watch.median_ms(step), 3) for step in ("detect", "landmarks", "embed")},
    }


def by_rate(values: dict[float, float]) -> dict[str, float]:
    """Keys as the report writes them: 0.01 -> "1e-2"."""
    return {f"{rate:.0e}".replace("e-0", "e-"): round(value, DIGITS) for rate, value in values.items()}
