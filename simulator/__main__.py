"""`python -m simulator`: a whole store on this machine, with known ground truth."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from contract.clock import SystemClock
from simulator.cast import load_cast
from simulator.commands import CommandError
from simulator.console import Console, addresses
from simulator.office import OfficeError
from simulator.options import DEFAULT_SECONDS, Kill, Options, parse_kill
from simulator.play import Play, begin_story
from simulator.processes import ChildFailedError
from simulator.report import Report, build_report
from simulator.script import Script
from simulator.shop import Shop

DEFAULT_WEB_PORT = 8080
DESCRIPTION = """\
A store in a box: broker, central service, one edge node with two cameras, a scanner and six shelf labels, as real
processes on this machine, and shoppers who walk in. Without options it plays a day for ever and prints the addresses of
the pages with users and passwords made for this run. Ctrl-C ends it."""
EPILOG = """\
Exit code: 0 when everything held, 1 when something did not (the report says what), 2 when the store could not start.
Examples:  python -m simulator
           python -m simulator --headless --seconds 60 --report report.json
           python -m simulator --video 0            (your own webcam at the entrance)
           python -m simulator --headless --report r.json --kill edge@20 --kill broker@30"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m simulator",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--headless", action="store_true", help="play a finite day, measure, and end")
    top.add_argument("--seconds", type=_seconds, help=f"length of the finite day (default {DEFAULT_SECONDS:.0f})")
    top.add_argument("--report", type=Path, metavar="FILE", help="write the report here as JSON (implies --headless)")
    top.add_argument("--seed", type=int, default=1, help="another day (default 1)")
    top.add_argument(
        "--video",
        default=os.environ.get("VIDEO") or None,
        metavar="SOURCE",
        help="instead of the entrance scene: a file, rtsp://..., http://..., a webcam's number (or environment VIDEO)",
    )
    top.add_argument("--fast-labels", action="store_true", help="labels that check in several times a second")
    top.add_argument("--keep", type=Path, metavar="DIR", help="run in DIR and leave logs and databases there")
    top.add_argument(
        "--port", type=int, help=f"of the pages (default {DEFAULT_WEB_PORT}, or any free one when headless or taken)"
    )
    top.add_argument(
        "--kill", type=_kill, action="append", default=[], metavar="PROCESS@SECOND",
        help="kill -9 broker, central or edge at that second (may be given several times)",
    )  # fmt: skip
    return top


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 10 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 10 to 86400")
    return value


def _kill(text: str) -> Kill:
    try:
        return parse_kill(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _video(text: str | None) -> str | None:
    """A file's absolute path; everything else as it is. ValueError for a file that is not there."""
    if text is None or text.isdigit() or "://" in text or text.startswith("/dev/"):
        return text
    path = Path(text).expanduser().resolve()
    if not path.is_file():
        raise ValueError(
            f"--video {text}: there is no such file; give a file, rtsp://..., http://... or a webcam's number"
        )
    return str(path)


@contextlib.contextmanager
def run_folder(keep: Path | None) -> Iterator[Path]:
    """Where a run writes: DIR when it is to be kept, else a temporary folder that is removed."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="vitrina-run-") as temporary:
            yield Path(temporary)
        return
    folder = (keep / SystemClock().now().strftime("%Y%m%d-%H%M%S")).resolve()
    folder.mkdir(parents=True)
    yield folder


async def headless(options: Options, console: Console) -> Report:
    """A finite day; its report."""
    assert options.seconds is not None
    cast, clock = load_cast(), SystemClock()
    script = Script(cast, options.seed, options.seconds)
    async with Shop(options, cast, clock, console.say) as shop:
        # while processes are killed nobody else asks central anything
        story = None if options.kills else await begin_story(shop, script, options.seconds)
        play = Play(shop, script, story)
        console.say(f"playing {options.seconds:.0f} seconds")
        status = asyncio.create_task(console.follow(play))
        try:
            truth, seen = await play.run(options.seconds, options.kills)
        finally:
            status.cancel()
        return build_report(truth, seen, None if play.story is None else play.story.report())


async def demo(options: Options, console: Console) -> None:
    """The endless day."""
    cast, clock = load_cast(), SystemClock()
    async with Shop(options, cast, clock, console.say) as shop:
        script = Script(cast, options.seed)
        play = Play(shop, script, await begin_story(shop, script, None))
        print(addresses(shop), flush=True)
        status = asyncio.create_task(console.follow(play))
        try:
            await play.run_forever()
        finally:
            status.cancel()


def _finish(report: Report, path: Path | None, console: Console) -> int:
    text = json.dumps(report, indent=1, ensure_ascii=False)
    if path is None:
        print(text)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
        console.say(f"report: {path}")
    found = report["violations"]
    assert isinstance(found, list)
    for line in found:
        console.say(f"FAILED  {line}")
    return 1 if found else 0


async def _main(arguments: argparse.Namespace, folder: Path, console: Console) -> int:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    finite = arguments.headless or arguments.report is not None or arguments.seconds is not None
    options = Options(
        folder=folder,
        seconds=(arguments.seconds or DEFAULT_SECONDS) if finite else None,
        seed=arguments.seed,
        video=_video(arguments.video),
        fast_labels=arguments.fast_labels,
        web_port=arguments.port or (0 if finite else console.free_or_any(DEFAULT_WEB_PORT)),
        kills=tuple(arguments.kill),
    )
    if not finite:
        await demo(options, console)
        return 0
    return _finish(await headless(options, console), arguments.report, console)


def main(argv: list[str] | None = None) -> int:
    """0 all held, 1 something did not, 2 could not start, 130 interrupted."""
    arguments = parser().parse_args(argv)
    console = Console(SystemClock(), sys.stderr)
    with run_folder(arguments.keep) as folder:
        try:
            return asyncio.run(_main(arguments, folder, console))
        except (ChildFailedError, CommandError, OfficeError, ValueError) as error:
            print(f"simulator: {error}", file=sys.stderr)
            return 2
        except (KeyboardInterrupt, asyncio.CancelledError):
            console.say("stopped")
            return 130


if __name__ == "__main__":
    sys.exit(main())
