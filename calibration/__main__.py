"""`python -m calibration camera|floor|audit|thresholds`: what is measured on site, for the edge configuration."""

from __future__ import annotations

import argparse
import sys

from calibration.cli import audit, camera, floor, thresholds
from calibration.errors import CalibrationError
from calibration.thresholds.errors import NotEarnedError, ThresholdError
from contract.clock import SystemClock

_COMMANDS = {"camera": camera.run, "floor": floor.run, "audit": audit.run, "thresholds": thresholds.run}


def parser() -> argparse.ArgumentParser:
    """Command line of the package."""
    description = "Turn a camera's pixels into metres, and a store's scores into a match threshold."
    top = argparse.ArgumentParser(prog="python -m calibration", description=description)
    commands = top.add_subparsers(dest="command", required=True)
    camera.add_parser(commands)
    floor.add_parser(commands)
    audit.add_parser(commands)
    thresholds.add_parser(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Entry point; bad input is one line and exit code 2, a threshold that is not earned exit code 1."""
    options = parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options, SystemClock())
    except NotEarnedError as error:
        print(f"calibration: not earned: {error}", file=sys.stderr)
        return 1
    except (CalibrationError, ThresholdError) as error:
        print(f"calibration: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
