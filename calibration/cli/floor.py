"""`python -m calibration floor`: homography of a camera with its error - from a page, or from a file of points."""

from __future__ import annotations

import argparse
import re
import sys
import threading
from pathlib import Path

from calibration.errors import CalibrationError
from calibration.floor_file import FloorPoints, floor_file, floor_yaml, read_points, solve
from calibration.homography import Verdict
from calibration.lens.file import LensFile, read_lens
from calibration.markers import MOST, marker_sheets
from calibration.printing import write_sheets
from calibration.records import write_text
from calibration.source import Source, camera_source, source_of
from contract.clock import Clock
from contract.values import NAME_PATTERN

_HELP = """\
With a page (on this machine only; from afar: ssh -L 8090:127.0.0.1:8090 NODE and --listen 127.0.0.1:8090):
  python -m calibration floor --camera floor --config edge.yaml --out calibration/
writes calibration/floor.floor.yaml (name it in cameras[].calibration) and calibration/plan.yaml (name it in plan).

Without: POINTS.yaml, measured on site (6 to 10 places, spread over the floor in view):
  camera: floor
  operator: A. Installer
  image_size: [1280, 720]
  points:
    - {image: [312, 540], floor: [2.0, 3.5], note: corner of shelf 1}
    - ...
image is in pixels of the camera's picture, floor in metres on the store plan.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Options of the command."""
    parser = commands.add_parser(
        "floor",
        help="floor homography, zones and lines from a page or from measured points",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "points", type=Path, nargs="?", metavar="POINTS.yaml", help="measured points; without: the page"
    )
    parser.add_argument("--out", type=Path, help="of points: the result's file; of the page: the folder of its files")
    parser.add_argument("--camera", metavar="ID", help="page: id of the camera in the edge configuration")
    parser.add_argument("--config", type=Path, metavar="EDGE.yaml", help="page: take the camera's address from here")
    parser.add_argument("--source", metavar="WHERE", help="page: picture, recording, rtsp:// or http://, webcam number")
    parser.add_argument("--lens", type=Path, metavar="LENS.yaml", help="result of `calibration camera`")
    parser.add_argument("--plan", type=Path, metavar="PLAN.yaml", help="page: plan file (OUT/plan.yaml)")
    parser.add_argument("--operator", default="", metavar="NAME", help="page: who calibrates")
    add_listen(parser)
    parser.add_argument(
        "--print-markers", type=Path, metavar="FILE", help="write markers as .svg, .png or .pdf and stop"
    )
    parser.add_argument(
        "--markers", type=int, default=8, metavar="N", help=f"how many markers to print (8, at most {MOST})"
    )
    parser.add_argument("--marker-mm", type=float, default=160.0, metavar="MM", help="side of a printed marker (160)")


def add_listen(parser: argparse.ArgumentParser) -> None:
    """Options of a page."""
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT", help="of the page (127.0.0.1:0)")
    parser.add_argument("--cert", type=Path, help="certificate; needed on anything but this machine")
    parser.add_argument("--key", type=Path, help="its key")


def run(options: argparse.Namespace, clock: Clock) -> int:
    """Carry the command out; CalibrationError when what was given is no good."""
    if options.print_markers is not None:
        return _print(options)
    lens = None if options.lens is None else _usable(read_lens(options.lens), options.lens)
    if options.points is not None:
        return floor(options.points, options.out, clock, lens)
    return _page(options, clock, lens)


def floor(points_file: Path, out: Path | None, clock: Clock, lens: LensFile | None = None) -> int:
    """Calibrate, print each point's error; exit code 1 when the result is not fit for use."""
    points = read_points(points_file)
    if lens is not None:
        points = _sized(points, lens)
    result = solve(points.points, lens)
    text = floor_yaml(floor_file(points, result, clock.now(), lens=lens))
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)
    marked = result.outliers or (() if result.suspect is None else (result.suspect,))
    for index, (pair, error) in enumerate(zip(points.points, result.errors_m, strict=True)):
        mark = "  <- measure this one again" if index in marked else ""
        print(f"  {error:6.3f} m  {pair.image} -> {pair.floor}  {pair.note}{mark}", file=sys.stderr)
    print(f"{result.verdict}: {_advice(result.verdict)}", file=sys.stderr)
    return 1 if result.verdict is Verdict.INVALID else 0


def _advice(verdict: Verdict) -> str:
    return {
        Verdict.VALID: "copy `homography` into the camera's section, or name the file in its `calibration`",
        Verdict.UNCHECKED: "four points always fit; measure at least one more so that the error is known",
        Verdict.INVALID: "the points do not agree on one floor; measure the marked one again (none: one more), repeat",
    }[verdict]


def _page(options: argparse.Namespace, clock: Clock, lens: LensFile | None) -> int:
    from calibration.web.floor_desk import Files, FloorDesk
    from calibration.web.floor_page import FloorPage
    from calibration.web.server import Listen, PageServer, run_page

    camera = checked_camera(options.camera)
    if options.out is None:
        raise CalibrationError("--out: name a folder for the results")
    source = open_source(options.source, options.config, camera)
    files = Files(options.out / f"{camera}.floor.yaml", options.plan or options.out / "plan.yaml")
    stop = threading.Event()
    desk = FloorDesk(camera, source, lens, files, clock, stop.wait, options.operator)
    desk.start()
    listen = Listen.parse(options.listen, options.cert, options.key)
    server = PageServer(listen, lambda server: FloorPage(desk, server).application())
    return run_page(server, lambda text: print(text, file=sys.stderr, flush=True), stop)


def open_source(source: str | None, config: Path | None, camera: str) -> Source:
    """Where a page's pictures come from."""
    if source is not None:
        return source_of(source)
    if config is None:
        raise CalibrationError("--config or --source: one is needed to know where the camera's pictures come from")
    return camera_source(config, camera)


def checked_camera(ident: str | None) -> str:
    """A camera id, or CalibrationError."""
    if ident is None or not re.fullmatch(NAME_PATTERN, ident):
        raise CalibrationError("--camera: the camera's id is needed (small letters, digits, - and _), or a POINTS.yaml")
    return ident


def _sized(points: FloorPoints, lens: LensFile) -> FloorPoints:
    if points.image_size is not None and points.image_size != lens.image_size:
        raise CalibrationError(f"image_size: {points.image_size}, but the lens was calibrated at {lens.image_size}")
    return points.model_copy(update={"image_size": lens.image_size})


def _usable(lens: LensFile, path: Path) -> LensFile:
    if lens.verdict != "VALID":
        raise CalibrationError(f"{path}: INVALID: {'; '.join(lens.faults)}")
    return lens


def _print(options: argparse.Namespace) -> int:
    if not (1 <= options.markers <= MOST and 20 <= options.marker_mm <= 1000):
        raise CalibrationError(f"--markers: 1 to {MOST}; --marker-mm: 20 to 1000")
    for path in write_sheets(marker_sheets(options.markers, options.marker_mm), options.print_markers):
        print(f"{path}: print at 100 %; the square is {options.marker_mm:g} mm", file=sys.stderr)
    return 0
