"""Migrations: an empty database reaches the schema of the models, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection

from central.database import Database
from central.errors import MisconfiguredError
from central.privacy.vault import FileVault
from central.schema import alembic_config, migrate
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


def _moved(connection: Connection, revision: str, vault: FileVault | None) -> None:
    config = alembic_config(connection, vault)
    here = MigrationContext.configure(connection).get_current_revision() or ""
    (command.downgrade if here > revision else command.upgrade)(config, revision)


async def test_customers_of_before_are_sealed_and_can_be_brought_back(database_url: str, tmp_path: Path) -> None:
    database, vault, subject = Database(async_url(database_url)), FileVault(tmp_path / "keys.db"), "a" * 32
    columns = "id, store, subject, name, language, interests, bonuses_minor, discount_share, external_ids"
    async with database.engine.begin() as connection:
        await connection.run_sync(_moved, "0002", None)
        row = f"'c1', 'shop', '{subject}', 'Anna', 'en', '[\"tea\"]', 0, 0, '{{\"loyalty\": \"7\"}}'"
        await connection.execute(text(f"INSERT INTO customers ({columns}) VALUES ({row})"))
    with pytest.raises(RuntimeError, match="keys of persons"):
        async with database.engine.begin() as connection:
            await connection.run_sync(_moved, "0003", None)
    async with database.engine.begin() as connection:
        await connection.run_sync(_moved, "0003", vault)
        found = (await connection.execute(text("SELECT * FROM customers"))).mappings().one()
        assert {"name", "interests", "external_ids"}.isdisjoint(found)
        sealed = vault.open(subject, found["sealed"])
        assert sealed == {"name": "Anna", "interests": ["tea"], "external_ids": {"loyalty": "7"}}
        await connection.run_sync(_moved, "0002", vault)
        back = (await connection.execute(text("SELECT name, interests FROM customers"))).one()
        assert (back.name, "tea" in str(back.interests)) == ("Anna", True)
    vault.close()
    await database.close()
