"""Migrations: an empty database reaches the schema of the models, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection

from central.database import Database
from central.errors import MisconfiguredError
from central.schema import migrate
from central.settings import async_url
from central.tables import metadata


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


async def test_migrations_and_models_agree(database_url: str) -> None:
    database = Database(async_url(database_url))
    await migrate(database)
    await migrate(database)
    async with database.engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await database.close()
    assert differences == []


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    database = Database(async_url(f"sqlite:///{tmp_path / 'new.db'}"))
    await migrate(database)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MisconfiguredError, match="newer version"):
        await migrate(database)
    await database.close()


async def test_an_unreachable_database_says_so_without_the_password(tmp_path: Path) -> None:
    database = Database(async_url("postgresql://u:secret@127.0.0.1:1/x"))
    with pytest.raises(MisconfiguredError, match="cannot be opened") as caught:
        await migrate(database)
    await database.close()
    assert "secret" not in str(caught.value)
