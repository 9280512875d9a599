"""`python -m central prices ...` and `python -m central till ...`."""

from __future__ import annotations

import argparse
import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central.catalogue.tables import Store
from central.errors import MisconfiguredError
from central.pricing import journal, quote_code, rulebook
from central.pricing.dry_run import dry_run
from central.pricing.quote_code import Refused
from central.pricing.rules import WINDOW_S
from central.pricing.ruleset import Ruleset, parse
from central.rule_files import RuleFileError
from contract.clock import SystemClock

if TYPE_CHECKING:
    from central.runtime import Runtime

Arguments = argparse.Namespace


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: argparse.ArgumentParser) -> None:
    """Add the commands."""
    prices = commands.add_parser("prices", help="price rules").add_subparsers(dest="action", required=True)
    check = prices.add_parser("check", parents=[where], help="look for mistakes in a rule file")
    check.add_argument("file", type=Path)
    check.set_defaults(work=_check)
    try_out = prices.add_parser("dry-run", parents=[where], help="try a rule file on the last days")
    try_out.add_argument("file", type=Path)
    try_out.add_argument("--store", required=True)
    try_out.add_argument("--days", type=int, default=30)
    try_out.set_defaults(work=_dry_run)
    activate = prices.add_parser("activate", parents=[where], help="put a rule file in force")
    activate.add_argument("file", type=Path)
    activate.add_argument("--store", required=True)
    activate.set_defaults(work=_activate)
    till = commands.add_parser("till", help="what a till does").add_subparsers(dest="action", required=True)
    offline = till.add_parser("offline", help="check a quote's code without asking central")
    offline.add_argument("code")
    offline.add_argument("--key", required=True, help="central_signing_key, from /api/v1/till/kit")
    offline.add_argument("--store", required=True)
    offline.add_argument("--sku", required=True)
    offline.add_argument("--public", type=int, required=True, help="the till's own price, minor units")
    offline.add_argument("--receipt", required=True)
    offline.add_argument("--journal", type=Path, required=True, help="lines for /api/v1/till/reconcile")
    offline.set_defaults(alone=_offline)


def _read(path: Path) -> tuple[str, Ruleset]:
    try:
        text = path.read_text(encoding="utf-8")
        return text, parse(text, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise MisconfiguredError(f"{path}: cannot be read: {error}") from None
    except RuleFileError as error:
        raise MisconfiguredError(str(error)) from None


async def _check(runtime: Runtime, arguments: Arguments) -> str:
    _, ruleset = _read(arguments.file)
    return f"{arguments.file}: {len(ruleset.rules)} rules, {len(ruleset.campaigns)} campaigns, no mistakes"


async def _dry_run(runtime: Runtime, arguments: Arguments) -> str:
    _, ruleset = _read(arguments.file)
    async with runtime.db.read() as session:
        store = await session.get(Store, arguments.store)
        if store is None:
            raise MisconfiguredError(f"--store: there is no store {arguments.store!r}")
        found = await dry_run(session, runtime.vault, store, ruleset, runtime.clock.now(), arguments.days)
    return found.model_dump_json(indent=2)


async def _activate(runtime: Runtime, arguments: Arguments) -> str:
    text, _ = _read(arguments.file)
    async with runtime.change() as effects:
        if await effects.session.get(Store, arguments.store) is None:
            raise MisconfiguredError(f"--store: there is no store {arguments.store!r}")
        row = await rulebook.activate(effects, arguments.store, text, "command line")
        return f"{arguments.store}: in force since {row.activated_at:%Y-%m-%d %H:%M:%S} UTC"


def _offline(arguments: Arguments) -> str:
    """What a till's own software does (docs/till.md): check, write down, then charge. Needs nothing of central's."""
    now = SystemClock().now()
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(arguments.key))
    except ValueError as error:
        raise MisconfiguredError(f"--key: {error}") from None
    with journal.opened(arguments.journal) as kept:
        decoded = [quote_code.decode(code, key) for code in kept.codes()]
        used = frozenset(quote.quote for quote in decoded if not isinstance(quote, Refused))
        found = quote_code.decode(arguments.code, key)
        if not isinstance(found, Refused):
            found = quote_code.judge(found, arguments.store, arguments.sku, arguments.public, now, used)
        if isinstance(found, Refused):
            return json.dumps({"charged": arguments.public, "honoured": False, "reason": found.reason})
        line = {"code": arguments.code, "receipt": arguments.receipt, "sku": found.sku, "charged": found.price}
        kept.write({**line, "at": now.isoformat().replace("+00:00", "Z")})
    until = found.expires_at + timedelta(seconds=WINDOW_S)
    return json.dumps({"charged": found.price, "honoured": True, "until": until.isoformat()})
