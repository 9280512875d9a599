"""Bring the database to this version's schema; runs at every start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from central.database import Database
from central.errors import MisconfiguredError

FOLDER = Path(__file__).parent / "migrations"


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


async def migrate(database: Database) -> None:
    """Upgrade to head; MisconfiguredError when the database cannot be reached or is newer than this program."""
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_upgrade)
    except CommandError as error:
        raise MisconfiguredError(
            f"database schema: {error}; it was written by a newer version: update this program"
        ) from None
    except (OSError, OperationalError, DBAPIError) as error:
        cause = getattr(error, "orig", None) or error
        why = (str(cause).splitlines() or [type(cause).__name__])[0]
        where = database.engine.url.render_as_string(hide_password=True)
        raise MisconfiguredError(
            f"--database {where}: cannot be opened ({why}); check that the folder or server exists and may be written"
        ) from None


def _upgrade(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "head")
