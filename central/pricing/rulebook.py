"""Which rule file is in force, and putting another one in force."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects
from central.pricing.ruleset import EMPTY, Ruleset, parse
from central.pricing.tables import PriceRuleset


@lru_cache(maxsize=64)
def _parsed(text: str) -> Ruleset:
    return parse(text)


async def current(session: AsyncSession, store: str) -> PriceRuleset | None:
    """The row in force."""
    statement = select(PriceRuleset).where(PriceRuleset.store == store).order_by(PriceRuleset.id.desc()).limit(1)
    return (await session.scalars(statement)).first()


async def history(session: AsyncSession, store: str, limit: int = 50) -> list[PriceRuleset]:
    """Newest first."""
    statement = select(PriceRuleset).where(PriceRuleset.store == store).order_by(PriceRuleset.id.desc()).limit(limit)
    return list((await session.scalars(statement)).all())


async def in_force(session: AsyncSession, store: str) -> Ruleset:
    """The rules of a store; none at all until somebody wrote some."""
    row = await current(session, store)
    return EMPTY if row is None else _parsed(row.text)


async def activate(effects: Effects, store: str, text: str, by: str) -> PriceRuleset:
    """Put a file in force. RuleFileError when it is not one; the same text again changes nothing."""
    parse(text)
    row = await current(effects.session, store)
    if row is not None and row.text == text:
        return row
    row = PriceRuleset(store=store, text=text, activated_by=by, activated_at=effects.now)
    effects.session.add(row)
    await effects.session.flush()
    return row
