"""`feed import`: a catalogue feed from a file or an address."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from central.catalogue.feeds import service
from central.catalogue.feeds.fetching import FetchError
from central.catalogue.schemas import FeedRunOut
from central.errors import MisconfiguredError
from central.runtime import Runtime


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    feed = commands.add_parser("feed", help="catalogue feeds").add_subparsers(dest="action", required=True)
    load = feed.add_parser("import", parents=[where], help="take in a YML or Google Merchant feed, or product reviews")
    load.add_argument("file", help="file, or http(s) address")
    load.add_argument("--store", required=True)
    load.add_argument("--format", required=True, choices=["yml", "google", "reviews"])
    load.add_argument("--name", default=service.MAIN, help="which of the store's feeds this is")
    load.add_argument("--delta", action="store_true", help="only changes: what is not in it stays")
    load.add_argument("--max-missing-share", type=float, help="let a full feed lack this share of what was on sale")
    load.set_defaults(work=feed_import)


async def feed_import(runtime: Runtime, arguments: argparse.Namespace) -> str:
    """The run as JSON; MisconfiguredError when the feed was refused or could not be read."""
    async with runtime.db.read() as session:
        agreed = await service.terms(session, arguments.store, arguments.name, arguments.format, arguments.delta)
    if agreed is None:
        raise MisconfiguredError(f"--store: there is no store {arguments.store!r}; import one first")
    if arguments.max_missing_share is not None:
        agreed = replace(agreed, max_missing_share=arguments.max_missing_share)
    try:
        run = await service.take_path(runtime, arguments.file, agreed)
    except FetchError as error:
        raise MisconfiguredError(f"{arguments.file}: {error}") from None
    except OSError as error:
        raise MisconfiguredError(f"{arguments.file}: cannot be read: {error.strerror}") from None
    if run.state == "refused":
        raise MisconfiguredError(_refusal(arguments.file, run))
    return json.dumps(run.model_dump(mode="json"), ensure_ascii=False)


def _refusal(file: str, run: FeedRunOut) -> str:
    rows = "".join(f"\n  line {error.line}: {error.message}" for error in run.errors[:10])
    return f"{file}: {run.message}{rows}"
