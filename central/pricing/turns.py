"""Whose turn it is: quotes, charges and what nodes report of one store come one after the other.

SQLite has one writer anyway. On PostgreSQL two transactions would each see a campaign's budget, a bonus, a visit's
quote or a till's receipt as the other has not left it yet.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store


async def wait_for_turn(session: AsyncSession, stores: Iterable[str]) -> None:
    """Until the transaction ends nobody else is let in. Take it before reading what must not change meanwhile.

    Always the first lock of a transaction, in the order of names, so that nobody waits for each other.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    statement = select(Store.id).where(Store.id.in_(sorted(set(stores)))).order_by(Store.id)
    # Rows that refer to the store may still be written.
    await session.execute(statement.with_for_update(key_share=True))
