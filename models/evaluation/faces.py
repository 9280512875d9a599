"""`evaluate faces`: verification and open-set identification on DIR/<identity>/<n>.jpg."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract.clock import Clock
from models.build.progress import Progress
from models.errors import MisconfiguredError
from models.evaluation.bootstrap import Estimate
from models.evaluation.det import det_points
from models.evaluation.held_out import held_out_verification
from models.evaluation.open_set import Faces, OpenSet, open_set
from models.evaluation.photos import Album, Stopwatch, embed_photos, labelled_photos
from models.evaluation.verification import verification
from models.faces import FaceModels

DIGITS = 5
METHOD = (
    "thresholds are chosen on one half of the impostor identities and reported on the other, both ways round; a probe "
    "whose face is not found is a miss; ci: 95 % bootstrap over the identities reported on, galleries and "
    "thresholds as chosen; det: whole curves, "
    "nothing is chosen on them"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `counts`: photos enrolled, `widths`: simulated face widths in pixels."""

    enrolled: int = 2
    splits: int = 20
    counts: tuple[int, ...] = (1, 2, 3, 5)
    widths: tuple[int, ...] = (20, 28, 39, 60)
    resamples: int = 200


def evaluate_faces(
    folder: Path, models: FaceModels, plan: Plan, clock: Clock, progress: Progress
) -> tuple[dict[str, object], Album]:
    """The report of DESIGN.md section 9 and more, and the album it was made from (for a picture sheet)."""
    watch = Stopwatch(clock)
    album = embed_photos(labelled_photos(folder), models, plan.widths, watch, progress)
    near = album.faces()
    report: dict[str, object] = {
        "models": models.name,
        "licence": models.licence,
        "identities": len(album.identities),
        "images": len(album.photos),
        "detected": album.detected,
        "method": METHOD,
    }
    progress.say("comparing all pairs")
    report["verification"] = _verification(near, plan)
    progress.say(f"identifying in {plan.splits} random galleries, {plan.enrolled} photos enrolled each")
    identified = open_set(near, plan.enrolled, plan.splits, resamples=plan.resamples)
    report["open_set"] = {**open_set_report(identified), "det": identified.det}
    report["enrolment_counts"] = [_with_count(near, count, plan, progress) for count in plan.counts]
    report["face_widths"] = [_at_width(album, near, width, plan, progress) for width in plan.widths]
    report["ms"] = {step: round(watch.median_ms(step), 3) for step in ("detect", "landmarks", "embed")}
    return report, album


def _verification(faces: Faces, plan: Plan) -> dict[str, object]:
    vectors, labels = faces.probes[faces.found], faces.labels[faces.found]
    pairs = verification(vectors, labels)
    held_out = held_out_verification(vectors, labels, plan.splits, plan.resamples)
    return {
        "genuine_pairs": pairs.genuine_pairs,
        "impostor_pairs": pairs.impostor_pairs,
        "eer": round(pairs.eer, DIGITS),
        "tar_at_far": by_rate({far: tar.value for far, tar in held_out.tar.items()}),
        "tar_ci": intervals(held_out.tar),
        "realised_far": by_rate(held_out.far),
        "threshold_at_far": by_rate(held_out.thresholds),
        "det": det_points(pairs.genuine, pairs.impostor, positive="far", negative="frr"),
    }


def open_set_report(found: OpenSet) -> dict[str, object]:
    return {
        "gallery": found.gallery,
        "enrolled_photos": found.enrolled_photos,
        "splits": found.splits,
        "rank1": round(found.rank1.value, DIGITS),
        "rank1_ci": interval(found.rank1),
        "tpir_at_fpir": by_rate({rate: tpir.value for rate, tpir in found.tpir.items()}),
        "tpir_ci": intervals(found.tpir),
        "realised_fpir": by_rate({rate: fpir.value for rate, fpir in found.fpir.items()}),
        "realised_fpir_ci": intervals(found.fpir),
        "threshold_at_fpir": by_rate(found.thresholds),
    }


def _with_count(faces: Faces, count: int, plan: Plan, progress: Progress) -> dict[str, object]:
    progress.say(f"identifying with {count} photos enrolled")
    try:
        return open_set_report(open_set(faces, count, plan.splits, resamples=plan.resamples))
    except MisconfiguredError as error:
        progress.say(f"left out: {error}")
        return {"enrolled_photos": count, "left_out": str(error)}


def _at_width(album: Album, near: Faces, width: int, plan: Plan, progress: Progress) -> dict[str, object]:
    progress.say(f"identifying faces {width} pixels wide")
    far = album.faces(width)
    row: dict[str, object] = {"width_px": width, "found": int(far.found.sum())}
    try:
        found = open_set(far, plan.enrolled, plan.splits, resamples=plan.resamples)
        shared = open_set(far, plan.enrolled, plan.splits, tune_on=near)
    except MisconfiguredError as error:
        progress.say(f"left out: {error}")
        return {**row, "left_out": str(error)}
    return {
        **row,
        "median_width_px": round(float(np.median(album.widths(width))), 1),
        **open_set_report(found),
        "at_the_near_threshold": {
            "tpir_at_fpir": by_rate({rate: tpir.value for rate, tpir in shared.tpir.items()}),
            "realised_fpir": by_rate({rate: fpir.value for rate, fpir in shared.fpir.items()}),
        },
    }


def by_rate(values: dict[float, float]) -> dict[str, float]:
    """Keys as the report writes them: 0.01 -> "1e-2"."""
    return {f"{rate:.0e}".replace("e-0", "e-"): round(value, DIGITS) for rate, value in values.items()}


def interval(figure: Estimate) -> list[float]:
    return [round(figure.low, DIGITS), round(figure.high, DIGITS)]


def intervals(figures: dict[float, Estimate]) -> dict[str, list[float]]:
    lows = by_rate({rate: figure.low for rate, figure in figures.items()})
    highs = by_rate({rate: figure.high for rate, figure in figures.items()})
    return {rate: [lows[rate], highs[rate]] for rate in lows}
