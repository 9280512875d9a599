"""Subscriptions, and how their deliveries stand."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects
from central.webhooks import signing
from central.webhooks.schemas import DeliveryOut, SubscriptionIn, SubscriptionOut
from central.webhooks.tables import Delivery, SiteChange, Subscription


async def add(effects: Effects, given: SubscriptionIn, by: str) -> SubscriptionOut:
    """A new subscription with a secret that is shown this once."""
    number, secret = secrets.token_hex(16), signing.new_secret()
    row = Subscription(
        id=number,
        store=given.store,
        url=given.url,
        kinds=list(given.kinds),
        secret=signing.seal_secret(effects.keys, number, secret),
        active=True,
        note="",
        created_by=by,
        created_at=effects.now,
    )
    effects.session.add(row)
    await effects.session.flush()
    out = await shown(effects.session, row)
    return out.model_copy(update={"secret": secret})


async def of_store(session: AsyncSession, store: str) -> list[SubscriptionOut]:
    """All of a store, oldest first."""
    statement = select(Subscription).where(Subscription.store == store).order_by(Subscription.created_at)
    return await _outs(session, (await session.scalars(statement)).all())


async def _outs(session: AsyncSession, rows: Iterable[Subscription]) -> list[SubscriptionOut]:
    found = list(rows)
    statement = (
        select(Delivery.subscription, Delivery.state, func.count())
        .where(Delivery.subscription.in_([row.id for row in found]), Delivery.state.in_(["open", "dead"]))
        .group_by(Delivery.subscription, Delivery.state)
    )
    counts = {(row[0], row[1]): int(row[2]) for row in (await session.execute(statement)).all()}
    plain = [name for name in SubscriptionOut.model_fields if name not in {"waiting", "dead", "secret"}]
    return [
        SubscriptionOut(
            **{name: getattr(row, name) for name in plain},
            waiting=counts.get((row.id, "open"), 0),
            dead=counts.get((row.id, "dead"), 0),
        )
        for row in found
    ]


async def remove(session: AsyncSession, subscription: str) -> None:
    """With everything on its way to it."""
    await session.execute(delete(Delivery).where(Delivery.subscription == subscription))
    await session.execute(delete(Subscription).where(Subscription.id == subscription))


async def switch(effects: Effects, row: Subscription, active: bool) -> SubscriptionOut:
    """Off: nothing is sent and nothing new is noted; on: what waits is tried at once."""
    row.active, row.note = active, ""
    if active:
        waiting = update(Delivery).where(Delivery.subscription == row.id, Delivery.state == "open")
        await effects.session.execute(waiting.values(next_try_at=effects.now))
    await effects.session.flush()
    return await shown(effects.session, row)


async def shown(session: AsyncSession, row: Subscription) -> SubscriptionOut:
    """One, with how it goes."""
    (out,) = await _outs(session, [row])
    return out


async def deliveries(session: AsyncSession, subscription: str, state: str | None, limit: int) -> list[DeliveryOut]:
    """Newest first."""
    statement = (
        select(Delivery, SiteChange.message, SiteChange.kind)
        .join(SiteChange, SiteChange.id == Delivery.change)
        .where(Delivery.subscription == subscription)
    )
    if state is not None:
        statement = statement.where(Delivery.state == state)
    rows = (await session.execute(statement.order_by(Delivery.id.desc()).limit(limit))).all()
    plain = [name for name in DeliveryOut.model_fields if name not in {"message", "kind"}]
    return [
        DeliveryOut(**{name: getattr(row, name) for name in plain}, message=message, kind=kind)
        for row, message, kind in rows
    ]


async def replay(effects: Effects, subscription: str, delivery: int | None = None) -> int:
    """Try dead deliveries again from the beginning: one, or all of them. How many."""
    dead = update(Delivery).where(Delivery.subscription == subscription, Delivery.state == "dead")
    if delivery is not None:
        dead = dead.where(Delivery.id == delivery)
    again = dead.values(state="open", attempts=0, next_try_at=effects.now).returning(Delivery.id)
    return len((await effects.session.execute(again)).all())
