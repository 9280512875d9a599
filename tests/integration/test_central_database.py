"""Connections to PostgreSQL that the server has closed meanwhile cost nobody an answer, and asking costs nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from central import database
from central.database import Database
from central.settings import async_url

CUT = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :name")


@pytest.fixture
async def opened(postgres_cluster: Any) -> AsyncIterator[tuple[Database, str]]:
    url = postgres_cluster.new_database()
    made = Database(async_url(url))
    yield made, url
    await made.close()


async def _one(db: Database) -> int:
    async with db.read() as session:
        return int(await session.scalar(text("SELECT pg_backend_pid()")))


@pytest.mark.parametrize("fresh_s", [60.0, 0.0])
async def test_a_server_that_cut_the_connection_costs_no_answer(
    opened: tuple[Database, str], monkeypatch: pytest.MonkeyPatch, fresh_s: float
) -> None:
    monkeypatch.setattr(database, "FRESH_S", fresh_s)
    db, url = opened
    first = await _one(db)
    other = Database(async_url(url))
    async with other.read() as session:
        assert (await session.scalars(CUT, {"name": url.rpartition("/")[2]})).all() == [True]
    await other.close()
    second = await _one(db)
    assert second != first
    async with db.write() as session:
        assert await session.scalar(text("SELECT pg_backend_pid()")) == second


async def test_who_worked_a_moment_ago_is_not_asked(
    opened: tuple[Database, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    db, _ = opened
    asked: list[object] = []
    ping = db.engine.dialect.do_ping

    def counted(connection: Any) -> bool:
        asked.append(connection)
        return bool(ping(connection))

    monkeypatch.setattr(db.engine.dialect, "do_ping", counted)
    pids = {await _one(db) for _ in range(5)}
    assert (len(pids), asked) == (1, [])
    monkeypatch.setattr(database, "FRESH_S", 0.0)
    pids |= {await _one(db) for _ in range(5)}
    assert (len(pids), len(asked)) == (1, 5)
