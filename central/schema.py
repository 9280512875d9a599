"""Bring the database to this version's schema; runs at every start."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from central.database import Database
from central.errors import MisconfiguredError
from central.privacy.vault import Vault

FOLDER = Path(__file__).parent / "migrations"


def alembic_config(connection: Connection, vault: Vault | None = None) -> Config:
    """Alembic's configuration on an open connection; the vault for migrations that seal what was in clear."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    config.attributes["vault"] = vault
    return config


async def migrate(database: Database, vault: Vault | None = None) -> None:
    """Upgrade to head; MisconfiguredError when the database cannot be reached or is newer than this program."""
    try:
        if database.sqlite:
            await asyncio.to_thread(_open_once, database)
        async with database.engine.begin() as connection:
            await connection.run_sync(_upgrade, vault)
    except CommandError as error:
        raise MisconfiguredError(
            f"database schema: {error}; it was written by a newer version: update this program"
        ) from None
    except (OSError, sqlite3.Error, OperationalError, DBAPIError) as error:
        cause = getattr(error, "orig", None) or error
        why = (str(cause).splitlines() or [type(cause).__name__])[0]
        where = database.engine.url.render_as_string(hide_password=True)
        raise MisconfiguredError(
            f"--database {where}: cannot be opened ({why}); check that the folder or server exists and may be written"
        ) from None


def _open_once(database: Database) -> None:
    """sqlite3.Error when the file can not be opened. aiosqlite's thread would answer a failed opening once more when
    the event loop is closed already (0.22), so that it gets only what can be."""
    arguments, options = database.engine.dialect.create_connect_args(database.engine.url)
    sqlite3.connect(str(arguments[0]), uri=bool(options.get("uri"))).close()


def _upgrade(connection: Connection, vault: Vault | None) -> None:
    command.upgrade(alembic_config(connection, vault), "head")
