"""Completing an erasure: rows, then keys, then what a database keeps of deleted rows. Every step may be repeated.

The state stands in the `erasures` table, so that a crash anywhere is made good by the next start.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.database import Base, Database
from central.privacy import person as persons
from central.privacy.person import Person
from central.privacy.rights import ASKED, CLEANING, DELETED, DONE, delete_rows, erase
from central.privacy.schemas import Receipt
from central.privacy.tables import Erasure
from central.runtime import Runtime
from contract.signing import canonical_json

log = logging.getLogger(__name__)


async def complete(runtime: Runtime) -> int:
    """Take every erasure that is on its way to its end; how many are done now."""
    async with runtime.db.read() as session:
        statement = select(Erasure.id).where(Erasure.state != DONE).order_by(Erasure.asked_at)
        numbers = (await session.scalars(statement)).all()
    done = 0
    for number in numbers:
        await _delete(runtime, number)
        await _destroy(runtime, number)
        done += await _clean(runtime, number)
    return done


async def _delete(runtime: Runtime, number: str) -> None:
    async with runtime.db.write() as session:
        row = await session.get(Erasure, number, with_for_update=True)
        if row is None or row.state != ASKED or row.subject is None:
            return
        whose = await persons.find(session, runtime.keys, row.subject)
        row.owners, row.keys = list(whose.owners), len(whose.owners)
        row.rows = dict(await delete_rows(session, whose))
        row.state = DELETED


async def _destroy(runtime: Runtime, number: str) -> None:
    async with runtime.db.read() as session:
        row = await session.get(Erasure, number)
    if row is None or row.state != DELETED or row.subject is None:
        return
    runtime.vault.destroy(row.owners)
    async with runtime.db.write() as session:
        row = await session.get(Erasure, number, with_for_update=True)
        if row is None or row.state != DELETED or row.subject is None:
            return
        # What came in between is unreadable already; now nothing more can come.
        late = await delete_rows(session, Person(row.subject, tuple(row.owners)))
        row.rows = _sum(row.rows, late)
        row.state = CLEANING


def _sum(before: dict[str, object], late: dict[str, int]) -> dict[str, object]:
    total = dict(before)
    for table, count in late.items():
        known = total.get(table, 0)
        total[table] = count + (known if isinstance(known, int) else 0)
    return total


async def _clean(runtime: Runtime, number: str) -> bool:
    async with runtime.db.read() as session:
        row = await session.get(Erasure, number)
    if row is None or row.state != CLEANING or not await forget_deleted(runtime.db, row.rows):
        return False
    async with runtime.db.write() as session:
        row = await session.get(Erasure, number, with_for_update=True)
        if row is None or row.state != CLEANING:
            return False
        row.state, row.subject, row.owners, row.completed_at = DONE, None, [], runtime.clock.now()
    # The statements before this one named the person: they leave the write-ahead log as well.
    await forget_deleted(runtime.db, ())
    return True


async def forget_deleted(database: Database, tables: Iterable[str]) -> bool:
    """SQLite: empty the write-ahead log. PostgreSQL: take deleted rows out of the pages. False: busy, try later."""
    if database.sqlite:
        return await asyncio.to_thread(_truncate, str(database.engine.url.database))
    known = {table.name for table in Base.metadata.sorted_tables}
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in sorted(known & set(tables)):
            await alone.exec_driver_sql(f'VACUUM "{table}"')
    return True


def _truncate(path: str) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=5.0)) as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError:
        return False
    return not busy


async def replay(runtime: Runtime) -> int:
    """Erase again whom a restored backup brought back: the vault knows who was erased."""
    gone = runtime.vault.destroyed()
    subjects = [owner for owner in gone if ":" not in owner]
    async with runtime.db.read() as session:
        back = await _present(session, subjects)
    for subject in back:
        log.warning("a restored backup brought an erased person back; erasing again")
        async with runtime.change() as effects:
            await erase(effects, subject, "restored backup")
    return len(back)


async def _present(session: AsyncSession, subjects: list[str]) -> list[str]:
    found: set[str] = set()
    for table, holding in persons.tables():
        if holding.by not in {"subject", "owner"} or holding.erasure == "keep":
            continue
        column = table.c[holding.column]
        for start in range(0, len(subjects), persons.CHUNK):
            statement = select(column).where(column.in_(subjects[start : start + persons.CHUNK])).distinct()
            found |= set((await session.scalars(statement)).all())
    return sorted(found)


async def receipt(runtime: Runtime, number: str) -> Receipt | None:
    """The certificate of an erasure: what was done and when, hashed and signed by central; it names nobody."""
    async with runtime.db.read() as session:
        row = await session.get(Erasure, number)
    if row is None:
        return None
    rows = {table: count for table, count in sorted(row.rows.items()) if isinstance(count, int)}
    made = Receipt(
        number=row.id,
        state="done" if row.state == DONE else "on its way",
        asked_at=row.asked_at,
        completed_at=row.completed_at,
        rows=rows,
        keys_destroyed=row.keys,
        sha256=None,
        signature=None,
    )
    if row.state != DONE:
        return made
    said = canonical_json(made.model_dump(mode="json", exclude={"sha256", "signature"}))
    signature = base64.b64encode(runtime.keys.sign(said)).decode()
    return made.model_copy(update={"sha256": hashlib.sha256(said).hexdigest(), "signature": signature})
