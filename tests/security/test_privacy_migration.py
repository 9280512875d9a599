"""Slot 0009 on a database that is in use: templates are sealed, looks at profiles chained, and back again."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import async_sessionmaker

from central.database import Database
from central.privacy.audit import verify_reads
from central.privacy.vault import FileVault
from central.schema import alembic_config
from central.settings import async_url

SUBJECT = "a" * 32


def _moved(connection: Connection, revision: str, vault: FileVault | None) -> None:
    here = MigrationContext.configure(connection).get_current_revision() or ""
    (command.downgrade if here > revision else command.upgrade)(alembic_config(connection, vault), revision)


async def test_templates_and_reads_of_before_are_kept(database_url: str, tmp_path: Path) -> None:
    database, vault = Database(async_url(database_url)), FileVault(tmp_path / "keys.db")
    async with database.engine.begin() as connection:
        await connection.run_sync(_moved, "0008", vault)
        for statement in (
            "INSERT INTO customers (id, store, subject, language, bonuses_minor, discount_share)"
            f" VALUES ('c1', 'shop', '{SUBJECT}', 'en', 0, 0)",
            "INSERT INTO templates (id, store, subject, model_sha256, sealed_template, sealed_key, enrolled_at)"
            f" VALUES ('t1', 'shop', '{SUBJECT}', 'm', 'template', 'the key', 1)",
            "INSERT INTO profile_reads (id, reader, customer, place, at) VALUES (1, 'staff:kim', 'c1', 'alerts', 1000)",
            "INSERT INTO profile_reads (id, reader, customer, place, at) VALUES (2, 'customer:c1', 'c1', 'me', 2000)",
        ):
            await connection.execute(text(statement))
    with pytest.raises(RuntimeError, match="keys of persons"):
        async with database.engine.begin() as connection:
            await connection.run_sync(_moved, "0009", None)
    async with database.engine.begin() as connection:
        await connection.run_sync(_moved, "0009", vault)
        row = (await connection.execute(text("SELECT * FROM templates"))).mappings().one()
        assert "sealed_key" not in row
        assert vault.open(SUBJECT, row["sealed"]) == "the key"
        reads = (await connection.execute(text("SELECT subject, reader FROM profile_reads ORDER BY id"))).all()
        assert [tuple(read) for read in reads] == [(SUBJECT, "staff:kim"), (SUBJECT, "customer")]
    async with async_sessionmaker(database.engine)() as session:
        assert await verify_reads(session) is None
    async with database.engine.begin() as connection:
        await connection.run_sync(_moved, "0008", vault)
        assert (await connection.execute(text("SELECT sealed_key FROM templates"))).scalar_one() == "the key"
        assert (await connection.execute(text("SELECT count(*) FROM profile_reads"))).scalar_one() == 2
    vault.close()
    await database.close()
