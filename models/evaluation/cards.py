"""Fills the figures of the model cards from evaluation reports, between markers, and touches nothing else.

A card says `<!-- measured:KIND -->` ... `<!-- /measured -->`; KIND names one of `TABLES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from models.errors import MisconfiguredError

Report = Mapping[str, object]
BLOCK = re.compile(r"(<!-- measured:(?P<kind>[a-z-]+) -->\n).*?(<!-- /measured -->)", re.DOTALL)
RATE = "1e-2"


def fill_cards(folder: Path, reports: Sequence[Report]) -> dict[Path, str]:
    """New text of every card in `folder` that a report concerns. MisconfiguredError when none does."""
    filled: dict[Path, str] = {}
    for card in sorted(folder.glob("*.md")):
        old = card.read_text(encoding="utf-8")
        new = fill(old, reports)
        if new is not None:
            filled[card] = new
    if not filled:
        raise MisconfiguredError(f"no card in {folder} has a block for these reports (<!-- measured:... -->)")
    return filled


def fill(text: str, reports: Sequence[Report]) -> str | None:
    """The card's text with the blocks of the given reports written anew; None when it has none of them."""
    touched = False

    def replace(match: re.Match[str]) -> str:
        nonlocal touched
        table = TABLES.get(match["kind"])
        if table is None:
            raise MisconfiguredError(f"unknown block measured:{match['kind']}; known are {', '.join(sorted(TABLES))}")
        key, render = table
        report = next((one for one in reports if key in one), None)
        if report is None:
            return match[0]
        touched = True
        try:
            return f"{match[1]}\n{render(report)}\n\n{match[3]}"
        except (KeyError, TypeError, ValueError) as error:
            raise MisconfiguredError(f"the report is not one of this version's evaluations ({error!r})") from error

    text = BLOCK.sub(replace, text)
    return text if touched else None


def _part(report: Report, key: str) -> Report:
    return cast(Report, report[key])


def _parts(report: Report, key: str) -> list[Report]:
    return cast(list[Report], report[key])


def _rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: object) -> float:
    return float(cast(float, value))


def _with_interval(value: object, bounds: object) -> str:
    low, high = cast(Sequence[float], bounds)
    return f"{_number(value):.3f} ({low:.3f} to {high:.3f})"


def _identified(found: Report) -> list[str]:
    if "left_out" in found:
        return ["not enough photos", "", "", ""]
    tpir, fpir = _part(found, "tpir_at_fpir"), _part(found, "realised_fpir")
    return [
        _with_interval(tpir[RATE], _part(found, "tpir_ci")[RATE]),
        _with_interval(fpir[RATE], _part(found, "realised_fpir_ci")[RATE]),
        f"{_number(found['rank1']):.3f}",
        f"{_number(_part(found, 'threshold_at_fpir')[RATE]):.2f}",
    ]


IDENTIFIED = ("TPIR, aimed at FPIR 1e-2 (95 % interval)", "FPIR realised", "Rank-1", "Cosine threshold")


def _embedder(report: Report) -> str:
    counts = [[str(row["enrolled_photos"]), *_identified(row)] for row in _parts(report, "enrolment_counts")]
    widths = [_width_row(row) for row in _parts(report, "face_widths")]
    enrolled = _part(report, "open_set")["enrolled_photos"]
    return "\n\n".join(
        [
            f"`{report['models']}`: {report['identities']} identities, {report['images']} photos.",
            _rows(("Photos enrolled", *IDENTIFIED), counts),
            f"Faces shrunk to a width, {enrolled} photos enrolled at full size:",
            _rows(("Width, px", "Found", *IDENTIFIED, "TPIR / FPIR at the threshold of near faces"), widths),
            _verification(report),
        ]
    )


def _width_row(row: Report) -> list[str]:
    if "left_out" in row:
        return [str(row["width_px"]), str(row["found"]), *_identified(row), ""]
    near = _part(row, "at_the_near_threshold")
    pair = [_number(_part(near, key)[RATE]) for key in ("tpir_at_fpir", "realised_fpir")]
    width = f"{row['width_px']} (median {row['median_width_px']})"
    return [width, str(row["found"]), *_identified(row), f"{pair[0]:.3f} / {pair[1]:.4f}"]


def _verification(report: Report) -> str:
    found = _part(report, "verification")
    rows = [["Equal error rate", f"{100 * _number(found['eer']):.2f} %"]]
    for rate, tar in _part(found, "tar_at_far").items():
        realised = _number(_part(found, "realised_far")[rate])
        threshold = _number(_part(found, "threshold_at_far")[rate])
        text = (
            f"{_with_interval(tar, _part(found, 'tar_ci')[rate])}, threshold {threshold:.3f}, realised {realised:.5f}"
        )
        rows.append([f"TAR, aimed at FAR {rate}", text])
    pairs = f"{found['genuine_pairs']:,} genuine and {found['impostor_pairs']:,} impostor pairs"
    return _rows((f"Verification, {pairs}", ""), rows)


def _detector(report: Report) -> str:
    widths = [(f"shrunk to {row['width_px']} px", row["found"]) for row in _parts(report, "face_widths")]
    rows = [("as photographed", report["detected"]), *widths]
    header = (f"Faces of {report['images']} photos", "Found")
    return _rows(header, [[size, str(found)] for size, found in rows])


def _persons(report: Report) -> str:
    keys = ("frames", "ap50", "hota", "mota", "idf1", "id_switches")
    return _rows(keys, [[str(report[key]) for key in keys]])


def _speed(report: Report) -> str:
    laps = _part(report, "ms")
    return _rows(("Step, one 1280x720 frame", "ms"), [[name, str(value)] for name, value in laps.items()])


TABLES: dict[str, tuple[str, Callable[[Report], str]]] = {
    "embedder": ("open_set", _embedder),
    "detector": ("open_set", _detector),
    "persons": ("hota", _persons),
    "speed": ("rounds", _speed),
}
"""Block kind: the key that only its report has, and how to write the block."""
