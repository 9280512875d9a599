"""`python -m calibration floor POINTS.yaml`: homography of a camera, with its error, for the edge configuration."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from calibration.floor_file import read_points, result_yaml
from calibration.homography import Verdict, calibrate_floor
from contract.clock import Clock

_POINTS_HELP = """\
POINTS.yaml, measured on site (6 to 10 places, spread over the floor in view):

  camera: floor
  operator: A. Installer
  points:
    - {image: [312, 540], floor: [2.0, 3.5], note: corner of shelf 1}
    - ...

image is in pixels of the camera's picture, floor in metres on the store plan.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Options of the command."""
    parser = commands.add_parser(
        "floor",
        help="floor homography from measured points",
        epilog=_POINTS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("points", type=Path, metavar="POINTS.yaml")
    parser.add_argument("--out", type=Path, help="write the result here instead of to standard output")


def run(options: argparse.Namespace, clock: Clock) -> int:
    """Carry the command out; CalibrationError when the points are no good."""
    return floor(options.points, options.out, clock)


def floor(points_file: Path, out: Path | None, clock: Clock) -> int:
    """Calibrate, print each point's error; exit code 1 when the result is not fit for use."""
    points = read_points(points_file)
    image = np.array([pair.image for pair in points.points], dtype=np.float64).reshape(-1, 2)
    measured = np.array([pair.floor for pair in points.points], dtype=np.float64).reshape(-1, 2)
    result = calibrate_floor(image, measured)
    text = result_yaml(points, result, clock.now())
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")
    for index, (pair, error) in enumerate(zip(points.points, result.errors_m, strict=True)):
        mark = "  <- measure this one again" if index == result.suspect else ""
        print(f"  {error:6.3f} m  {pair.image} -> {pair.floor}  {pair.note}{mark}", file=sys.stderr)
    print(f"{result.verdict}: {_advice(result.verdict)}", file=sys.stderr)
    return 1 if result.verdict is Verdict.INVALID else 0


def _advice(verdict: Verdict) -> str:
    return {
        Verdict.VALID: "copy `homography` into the camera's section of the edge configuration",
        Verdict.UNCHECKED: "four points always fit; measure at least one more so that the error is known",
        Verdict.INVALID: "the points do not agree on one floor; measure the marked one again, then repeat",
    }[verdict]
