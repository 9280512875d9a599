"""The command line. A mistake ends with one line that says what to do, and exit code 2."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import logging
import re
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from central import keys
from central.app import open_runtime
from central.catalogue import commands as feeds
from central.errors import MisconfiguredError, RejectedError
from central.imports import service as imports
from central.imports.plan import read_plan
from central.post import addresses as post
from central.predictions import commands as predictions
from central.preferences import commands as preferences
from central.pricing import commands as prices
from central.profiles import service as profiles
from central.profiles.tables import Customer
from central.runtime import Runtime
from central.secret_files import with_password
from central.serving import serve, serve_broker
from central.settings import Settings
from central.staff import badges
from central.staff import service as staff
from contract.clock import SystemClock
from contract.values import NAME_PATTERN

NOUNS = (prices, feeds, preferences, predictions)
"""Business folders that bring commands of their own: `register` adds them; `work` of a command does it, or `alone` when
it needs no database."""
DEFAULT_DATA = Path("var/central")
Arguments = argparse.Namespace


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(prog="python -m central", description="The central service of Vitrina.")
    commands = top.add_subparsers(dest="command", required=True)
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, metavar="DIR", help="keys and SQLite database (%(default)s)"
    )
    where.add_argument("--database", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST:PORT/NAME")
    where.add_argument("--database-password-file", type=Path, metavar="FILE", help="one line")
    run = commands.add_parser(
        "run", parents=[where], help="serve until SIGTERM or Ctrl-C; says where in one line of JSON"
    )
    run.add_argument("--broker", metavar="URL", help="mqtt[s]://USER@HOST:PORT; without it a broker is started here")
    run.add_argument("--broker-password-file", type=Path, metavar="FILE", help="one line")
    run.add_argument("--broker-ca", type=Path, metavar="PEM", help="who signed the certificate of an mqtts broker")
    run.add_argument("--broker-cert", type=Path, metavar="PEM", help="our own certificate, where the broker wants one")
    run.add_argument("--broker-key", type=Path, metavar="PEM", help="its private key")
    run.add_argument(
        "--broker-port", type=_port, default=1883, metavar="N", help="of the broker started here (1883; 0: any free)"
    )
    run.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="of the pages and the API (%(default)s)")
    run.add_argument("--port", type=_port, default=8080, metavar="N", help="their port (8080; 0: any free)")
    run.add_argument("--secure-cookies", action="store_true", help="behind HTTPS: cookies only over it")
    run.add_argument(
        "--profile-idle-days",
        type=float,
        default=1095.0,
        metavar="DAYS",
        help="erase customers unseen for so long (1095; 0: never)",
    )
    run.add_argument(
        "--webhook-network",
        action="append",
        default=[],
        metavar="CIDR",
        help="a network that is not public (10.1.0.0/16) into which webhooks may be sent; may be repeated",
    )
    _add_post(run)
    broker = commands.add_parser("broker", help="the embedded broker alone, on 127.0.0.1")
    broker.add_argument("--port", type=_port, default=1883, metavar="N", help="where it listens (1883; 0: any free)")
    load = commands.add_parser("import", parents=[where], help="store, products and customers from a JSON file")
    load.add_argument("file", type=Path, metavar="FILE.json", help="repeating it changes nothing")
    load.add_argument("--plan", type=Path, metavar="PLAN.yaml", help="zones, lines and label places as drawn on site")
    people = commands.add_parser("staff", help="accounts").add_subparsers(dest="action", required=True)
    add = people.add_parser("add", parents=[where], help="create or change an account")
    add.add_argument("name", metavar="NAME", help="to log in with")
    add.add_argument("--role", required=True, choices=["consultant", "manager", "admin"])
    add.add_argument("--store", help="the one this account belongs to; an admin may go without and see all")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    badge = people.add_parser("badge", parents=[where], help="a QR badge: the cameras leave its bearer out of counts")
    badge.add_argument("name", metavar="NAME", help="of the account")
    badge.add_argument("--store", help="for somebody who works in all stores")
    badge.add_argument("--days", type=int, default=badges.DAYS, help="how long it is valid (default %(default)s)")
    badge.add_argument("--out", type=Path, help="write it as .svg or .png to print; without it its text is printed")
    tokens = commands.add_parser("token", help="machine tokens").add_subparsers(dest="action", required=True)
    create = tokens.add_parser("create", parents=[where], help="make a token; shown once")
    create.add_argument("--role", required=True, choices=["till", "site", "public", "report"])
    create.add_argument("--store", required=True)
    create.add_argument("--source", type=_source, help="for site and public: which site or app, e.g. web")
    shown = tokens.add_parser("list", parents=[where], help="which tokens there are: by their first letters")
    shown.add_argument("--store")
    revoke = tokens.add_parser("revoke", parents=[where], help="a token that leaked or is no longer used")
    revoke.add_argument("token", help="as `token list` shows it")
    customers = commands.add_parser("customers", help="customers").add_subparsers(dest="action", required=True)
    code = customers.add_parser("login-code", parents=[where], help="one-time code for the customer's page")
    code.add_argument("id")
    certify = customers.add_parser("certify", parents=[where], help="certificate for a phone's key")
    certify.add_argument("id")
    certify.add_argument("--phone-key", required=True, help="base64 of a compressed P-256 point or SPKI")
    for noun in NOUNS:
        noun.register(commands, where)
    commands.add_parser("keys", parents=[where], help="public keys, for the edge's trust: section")
    commands.add_parser("migrate", parents=[where], help="bring the database to this version")
    return top


def _add_post(run: argparse.ArgumentParser) -> None:
    run.add_argument("--public-url", metavar="URL", help="how customers' phones reach this service: https://HOST")
    run.add_argument("--smtp", metavar="URL", help="send codes by mail: smtps://USER@HOST or smtp+starttls://USER@HOST")
    run.add_argument("--smtp-password-file", type=Path, metavar="FILE")
    run.add_argument("--mail-from", metavar="ADDRESS", help="the address that codes come from")
    run.add_argument("--sms-url", metavar="URL", help='send codes by text message: POST {"to", "text"} to this address')
    run.add_argument("--sms-token-file", type=Path, metavar="FILE", help="its bearer token")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _source(text: str) -> str:
    if re.fullmatch(NAME_PATTERN, text) is None:
        raise argparse.ArgumentTypeError(f"{text!r}: small letters, digits, - and _, at most 40")
    return text


def _settings(arguments: Arguments) -> Settings:
    return Settings(data=arguments.data, database=_database(arguments))


def _database(arguments: Arguments) -> str | None:
    return _complete(arguments.database, arguments.database_password_file, "--database")


def _complete(url: str | None, password: Path | None, option: str) -> str | None:
    """The address with its password, wherever that stands."""
    if password is None:
        return url
    if url is None:
        raise MisconfiguredError(f"{option}-password-file: name the user and the host with {option}")
    return with_password(url, password, f"{option}-password-file")


def _with_runtime(work: Callable[[Runtime, Arguments], Awaitable[str]]) -> Callable[[Arguments], None]:
    async def whole(arguments: Arguments) -> str:
        runtime = await open_runtime(_settings(arguments), SystemClock())
        try:
            return await work(runtime, arguments)
        finally:
            runtime.vault.close()
            await runtime.db.close()

    return lambda arguments: print(asyncio.run(whole(arguments)))


async def _import(runtime: Runtime, arguments: Arguments) -> str:
    drawn = read_plan(arguments.plan) if arguments.plan else None
    whole = imports.read(arguments.file, drawn)
    async with runtime.change() as effects:
        done = await imports.apply(effects, whole)
    hung = {label.id for label in whole.store.labels}
    waiting = [label.id for label in drawn.labels if label.id not in hung] if drawn else []
    return json.dumps({**done, "labels_without_product": waiting} if drawn else done)


async def _staff_add(runtime: Runtime, arguments: Arguments) -> str:
    made = None
    if arguments.password_stdin:
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    else:
        password = made = secrets.token_urlsafe(12)
    async with runtime.db.write() as session:
        await staff.add(session, arguments.name, arguments.role, arguments.store, password)
    return f"password: {made}" if made else f"{arguments.name}: {arguments.role}"


async def _badge(runtime: Runtime, arguments: Arguments) -> str:
    async with runtime.db.read() as session:
        store = await badges.store_of(session, arguments.name, arguments.store)
    text = badges.issue(runtime.keys, store, runtime.clock.now(), arguments.days)
    if arguments.out is None:
        return text
    badges.picture(text, arguments.out)
    return f"{arguments.out}: badge of {arguments.name} for store {store}, {arguments.days} days"


async def _token(runtime: Runtime, arguments: Arguments) -> str:
    async with runtime.db.write() as session:
        return await staff.create_token(session, arguments.role, arguments.store, runtime, arguments.source)


async def _token_list(runtime: Runtime, arguments: Arguments) -> str:
    async with runtime.db.read() as session:
        rows = await staff.tokens(session, arguments.store)
    lines = [
        f"{row.token_hash[:12]}  {row.store}  {row.role}  {row.source or '-'}  since {row.created_at:%Y-%m-%d}"
        for row in rows
    ]
    return "\n".join(lines) or "no tokens"


async def _token_revoke(runtime: Runtime, arguments: Arguments) -> str:
    async with runtime.db.write() as session:
        if not await staff.revoke_token(session, arguments.token):
            raise MisconfiguredError(f"TOKEN: there is no token {arguments.token!r}; see `token list`")
    return f"{arguments.token}: revoked"


async def _login_code(runtime: Runtime, arguments: Arguments) -> str:
    async with runtime.db.write() as session:
        code = await profiles.login_code(session, arguments.id, runtime.clock.now())
    if code is None:
        raise MisconfiguredError(f"ID: there is no customer {arguments.id!r}; import customers first")
    return code.code


async def _certify(runtime: Runtime, arguments: Arguments) -> str:
    async with runtime.db.read() as session:
        customer = await session.get(Customer, arguments.id)
    if customer is None:
        raise MisconfiguredError(f"ID: there is no customer {arguments.id!r}; import customers first")
    try:
        made = profiles.certify(runtime.keys, customer.subject, arguments.phone_key, runtime.clock.now())
    except RejectedError as error:
        raise MisconfiguredError(f"--phone-key: {error}") from None
    return made.certificate


async def _migrate(runtime: Runtime, arguments: Arguments) -> str:
    return f"{runtime.db.engine.url.render_as_string(hide_password=True)}: up to date"


def _keys(arguments: Arguments) -> None:
    public = keys.load_or_create(arguments.data).public()
    print("trust:")
    for name, value in public.items():
        print(f"  {name}: {value}")


def _run(arguments: Arguments) -> None:
    serve(
        Settings(
            data=arguments.data,
            database=_database(arguments),
            broker_url=_complete(arguments.broker, arguments.broker_password_file, "--broker"),
            broker_port=arguments.broker_port,
            broker_ca=arguments.broker_ca,
            broker_cert=arguments.broker_cert,
            broker_key=arguments.broker_key,
            host=arguments.host,
            port=arguments.port,
            secure_cookies=arguments.secure_cookies,
            profile_idle_days=arguments.profile_idle_days or None,
            webhook_networks=tuple(arguments.webhook_network),
            public_url=post.public_url(arguments.public_url) if arguments.public_url else None,
            mail=_mail(arguments),
            texts=post.text_gateway(arguments.sms_url, arguments.sms_token_file) if arguments.sms_url else None,
        )
    )


def _mail(arguments: Arguments) -> post.MailServer | None:
    if not arguments.smtp:
        return None
    return post.mail_server(arguments.smtp, arguments.mail_from, arguments.smtp_password_file)


def _broker(arguments: Arguments) -> None:
    asyncio.run(serve_broker(arguments.port))


_COMMANDS: dict[tuple[str, str | None], Callable[[Arguments], None]] = {
    ("run", None): _run,
    ("broker", None): _broker,
    ("import", None): _with_runtime(_import),
    ("staff", "add"): _with_runtime(_staff_add),
    ("staff", "badge"): _with_runtime(_badge),
    ("token", "create"): _with_runtime(_token),
    ("token", "list"): _with_runtime(_token_list),
    ("token", "revoke"): _with_runtime(_token_revoke),
    ("customers", "login-code"): _with_runtime(_login_code),
    ("customers", "certify"): _with_runtime(_certify),
    ("keys", None): _keys,
    ("migrate", None): _with_runtime(_migrate),
}


def _command(arguments: Arguments) -> Callable[[Arguments], None]:
    alone: Callable[[Arguments], str] | None = getattr(arguments, "alone", None)
    if alone is not None:
        return lambda given: print(alone(given))
    work = getattr(arguments, "work", None)
    if work is not None:
        return _with_runtime(work)
    return _COMMANDS[arguments.command, getattr(arguments, "action", None)]


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0, or 2 after a mistake."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        _command(arguments)(arguments)
    except MisconfiguredError as error:
        print(f"central: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
