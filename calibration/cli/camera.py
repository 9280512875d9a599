"""`python -m calibration camera SOURCE...`: the lens of a camera from pictures of a board."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from calibration.errors import CalibrationError
from calibration.lens.board import Board
from calibration.lens.file import lens_file, lens_yaml
from calibration.lens.gather import gather
from calibration.lens.solve import LensCalibration, limit_px, solve_lens
from calibration.printing import write_sheets
from contract.clock import Clock

_HELP = """\
1. Print the board:   python -m calibration camera --print-board board.pdf
   at 100 %, glue it to something flat, measure a square and give its size in --board.
2. Show it to the camera as it is mounted: near and far, in every corner, tilted; hold still for a second.
   python -m calibration camera rtsp://CAMERA/stream --camera floor --operator "A. Installer" --out floor.lens.yaml
   (or a folder of pictures, a recording, a webcam number). Nothing is stored but numbers.
3. Calibrate the floor with it: python -m calibration floor ... --lens floor.lens.yaml
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Options of the command."""
    parser = commands.add_parser(
        "camera",
        help="lens distortion from a board held before the camera",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sources", nargs="*", metavar="SOURCE", help="pictures, folder, recording, address, webcam number"
    )
    parser.add_argument("--camera", metavar="ID", help="id of the camera in the edge configuration")
    parser.add_argument("--operator", metavar="NAME", help="who calibrates")
    parser.add_argument("--board", default="charuco:9x6:28", help="KIND:ACROSSxDOWN:MM in squares (charuco:9x6:28)")
    parser.add_argument("--fisheye", action="store_true", help="for lenses wider than about 120 degrees")
    parser.add_argument("--seconds", type=float, default=120.0, help="longest look at a live camera (120)")
    parser.add_argument("--out", type=Path, help="write the result here instead of to standard output")
    parser.add_argument(
        "--print-board", type=Path, metavar="FILE", help="write the board as .svg, .png or .pdf and stop"
    )


def run(options: argparse.Namespace, clock: Clock) -> int:
    """Carry the command out; exit code 1 when the result is not fit for use."""
    board = Board.parse(options.board)
    if options.print_board is not None:
        for path in write_sheets([board.sheet()], options.print_board):
            print(f"{path}: print at 100 %, then measure a square: it must be {board.square_mm:g} mm", file=sys.stderr)
        return 0
    for name in ("sources", "camera", "operator"):
        if not getattr(options, name):
            raise CalibrationError(f"{name}: needed, see `python -m calibration camera --help`")
    return camera(options, board, clock)


def camera(options: argparse.Namespace, board: Board, clock: Clock) -> int:
    """Gather, solve, write, tell."""
    gathering = gather(options.sources, board, options.seconds, lambda text: print(text, file=sys.stderr, flush=True))
    if gathering.size is None:
        raise CalibrationError("no pictures were given")
    result = solve_lens(gathering.kept, gathering.size, "fisheye" if options.fisheye else "pinhole")
    text = lens_yaml(lens_file(options.camera, options.operator, board, result, clock.now()))
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, encoding="utf-8")
    _tell(result)
    return 0 if result.valid else 1


def _tell(result: LensCalibration) -> None:
    for name, error in result.errors_px.items():
        print(f"  {error:6.3f} px  {name}", file=sys.stderr)
    for name in result.dropped:
        print(f"     left out  {name}: does not agree with the others", file=sys.stderr)
    print(f"seen in {result.coverage.share:.0%} of the picture:\n{result.coverage.drawing()}", file=sys.stderr)
    limit = limit_px(result.lens.size[0])
    print(f"reprojection error {result.rms_px:.3f} px (limit {limit:.2f} px)", file=sys.stderr)
    for fault in result.faults:
        print(f"INVALID: {fault}", file=sys.stderr)
    if result.valid:
        print("VALID: give it to `python -m calibration floor --lens`", file=sys.stderr)
