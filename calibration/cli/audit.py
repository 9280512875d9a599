"""`python -m calibration audit`: a person counts a stretch of footage in a page, the node's events are compared."""

from __future__ import annotations

import argparse
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from calibration.cli.floor import add_listen, checked_camera, open_source
from calibration.errors import CalibrationError
from contract.clock import Clock

_HELP = """\
Of a recording:
  python -m edge replay --config edge.yaml --camera floor --video day.mp4 --out events.jsonl
  python -m calibration audit --camera floor --source day.mp4 --events events.jsonl --out floor.audit.yaml
Live: let a broker's client write what the node says into a file, one message a line, and give that file:
  mosquitto_sub -t 'vitrina/v1/STORE/NODE/#' -F %p > events.jsonl
  python -m calibration audit --camera floor --config edge.yaml --events events.jsonl --out floor.audit.yaml
Name the result in cameras[].audit of the edge configuration: its error class then goes with every figure.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Options of the command."""
    parser = commands.add_parser(
        "audit",
        help="how wrong a camera's counts and dwell times are, counted by a person",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--camera", required=True, metavar="ID", help="id of the camera in the edge configuration")
    parser.add_argument("--source", metavar="WHERE", help="recording, rtsp:// or http://, webcam number")
    parser.add_argument("--config", type=Path, metavar="EDGE.yaml", help="take the camera's address from here")
    parser.add_argument("--events", type=Path, required=True, metavar="EVENTS.jsonl", help="what the node said")
    parser.add_argument(
        "--start", default="2000-01-01T00:00:00Z", metavar="TIME",
        help="when the recording begins (the time `edge replay` gives it when the configuration says none)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="AUDIT.yaml", help="where the result goes")
    parser.add_argument("--operator", default="", metavar="NAME", help="who counts")
    add_listen(parser)


def run(options: argparse.Namespace, clock: Clock) -> int:
    """Serve the page until Ctrl-C."""
    from calibration.web.audit_desk import AuditDesk, Task
    from calibration.web.audit_page import AuditPage
    from calibration.web.server import Listen, PageServer, run_page

    camera = checked_camera(options.camera)
    source = open_source(options.source, options.config, camera)
    task = Task(camera, source, options.events, _time(options.start), options.out, options.operator)
    desk = AuditDesk(task, clock)
    desk.start()
    listen = Listen.parse(options.listen, options.cert, options.key)
    server = PageServer(listen, lambda server: AuditPage(desk, camera, server).application())
    return run_page(server, lambda text: print(text, file=sys.stderr, flush=True), threading.Event())


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CalibrationError(f"--start: {text!r}: write 2026-03-01T09:00:00Z") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
