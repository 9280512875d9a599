"""One door to the database: SQLite (one writer at a time) or PostgreSQL, chosen by URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import JSON, BigInteger, Dialect, Integer, MetaData, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from central.errors import MisconfiguredError

JsonDict = dict[str, object]
BigKey = BigInteger().with_variant(Integer, "sqlite")
"""An automatic 64-bit key: SQLite numbers rows by itself only in a column typed INTEGER."""

_WRITER = "vitrina_writer"
_USED_AT = "vitrina_used_at"
FRESH_S = 5.0
"""A connection that was given back this lately is not asked whether it still lives."""


class Utc(TypeDecorator[datetime]):
    """Aware UTC datetime kept as milliseconds since 1970: the same arithmetic and grouping on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


class Base(DeclarativeBase):
    """Base of all tables; constraint names are fixed so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Utc, JsonDict: JSON, list[str]: JSON, dict[str, bool]: JSON}


class Database:
    """Engine and sessions. `write()` is a transaction; on SQLite it queues for the lock instead of polling it."""

    def __init__(self, url: str) -> None:
        try:
            self.sqlite = make_url(url).get_backend_name() == "sqlite"
            self.engine = create_async_engine(url, **({} if self.sqlite else {"pool_size": 8}))
        except (ArgumentError, ValueError, ModuleNotFoundError) as error:
            raise MisconfiguredError(f"--database: not a database address: {error}") from None
        if self.sqlite:
            _prepare_sqlite(self.engine)
        else:
            _ask_who_lay_idle(self.engine)
        self._readers = async_sessionmaker(self.engine, expire_on_commit=False)
        writer = self.engine.execution_options(**{_WRITER: True})
        self._writers = async_sessionmaker(writer, expire_on_commit=False)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for reading; nothing is committed."""
        async with self._readers() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction: committed at the end, rolled back on an exception."""
        if not self.sqlite:
            async with self._writers.begin() as session:
                yield session
            return
        async with self._turn, self._writers.begin() as session:
            yield session

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def _ask_who_lay_idle(engine: AsyncEngine) -> None:
    """A server that was started anew must not cost a request its answer, nor every request the price of asking.

    The pool's own `pre_ping` asks in a transaction of its own each time: as much work as three queries. Here a
    connection that worked a moment ago is only looked at (asyncpg notices the end of its socket), others are asked.
    """
    dialect = engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def _back(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = asyncio.get_running_loop().time()

    @event.listens_for(engine.sync_engine, "checkout")
    def _out(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        used_at = record.info.get(_USED_AT)
        if used_at is None:  # just opened
            return
        closed = connection.driver_connection.is_closed()
        if not closed and asyncio.get_running_loop().time() - used_at < FRESH_S:
            return
        try:
            alive = not closed and dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error:
            alive = False
        if not alive:
            raise InvalidatePoolError


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        # We say BEGIN ourselves: the driver's own would be deferred and could fail half-way with "locked".
        connection.isolation_level = None
        cursor = connection.cursor()
        # FULL: a receipt lets the edge forget the event, so the commit must survive a power cut.
        for pragma in (
            "busy_timeout=10000",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(_WRITER, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


async def upsert(
    session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, object]], key: Iterable[str]
) -> None:
    """Insert rows, replacing the other columns where the key is there already."""
    if not rows:
        return
    target = table.__table__
    assert isinstance(target, Table)
    keys = tuple(key)
    changed = [name for name in rows[0] if name not in keys]
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for row in rows:
        statement = insert(target).values(**row)
        if changed:
            update = {name: statement.excluded[name] for name in changed}
            statement = statement.on_conflict_do_update(index_elements=list(keys), set_=update)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=list(keys))
        await session.execute(statement)


async def insert_missing(
    session: AsyncSession,
    table: type[Base],
    rows: Sequence[Mapping[str, object]],
    returning: InstrumentedAttribute[str] | None = None,
) -> set[str]:
    """Insert rows, leaving those that are there already (by any unique key); `returning` of the ones inserted."""
    if not rows:
        return set()
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).on_conflict_do_nothing()
    if returning is None:
        await session.execute(statement, rows)
        return set()
    return set((await session.scalars(statement.returning(returning), rows)).all())


async def replace(
    session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, object]], key: Iterable[str]
) -> None:
    """`upsert` of many rows of one form in one statement."""
    if not rows:
        return
    keys = tuple(key)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    update = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    await session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=update), rows)
