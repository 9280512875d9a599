"""The list of what the site is told. It is written in the transaction that made it true, so nothing is lost or made up.

Imported by whoever has something to tell: this module asks nobody for anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from central.database import insert_missing
from central.effects import Effects
from central.privacy.vault import Erased
from central.profiles.tables import Customer
from central.visits.tables import Visit
from central.webhooks.tables import Delivery, EndedVisit, SiteChange, Subscription

Kind = Literal[
    "visit.finished",
    "visit.withdrawn",
    "product.tried",
    "recommendation.made",
    "quote.open",
    "segment.changed",
    "customer.erased",
]
LATE_NEWS: Final = timedelta(seconds=5)
"""Stays end, and identities become final, a moment after the visit did."""
KEPT: Final = timedelta(days=30)
_OF_VISIT: Final = ("visit.finished", "recommendation.made", "quote.open")
_IN_LINE: Final = 0x56495452
"""Any number, the same in every process: the lock of the list on PostgreSQL."""


async def tell(
    effects: Effects, store: str, owner: str, customer: str, kind: Kind, reference: str, data: Mapping[str, object]
) -> bool:
    """Put one change on the list and on its way to every subscription. False: told before, or the person is gone.

    Call it last in a transaction: on PostgreSQL, changes get their numbers in the order in which they are committed,
    so that nobody's cursor steps over one that is committed late.
    """
    session = effects.session
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _IN_LINE})
    told = select(SiteChange.id).where(
        SiteChange.store == store, SiteChange.kind == kind, SiteChange.reference == reference
    )
    if (await session.scalar(told)) is not None:
        return False
    try:
        sealed = effects.vault.seal(owner, {"customer": customer, "data": dict(data)})
    except Erased:
        return False
    message = f"msg_{secrets.token_hex(16)}"
    row = SiteChange(
        message=message, store=store, owner=owner, kind=kind, reference=reference, at=effects.now, sealed=sealed
    )
    session.add(row)
    await session.flush()
    wanted = select(Subscription).where(Subscription.store == store, Subscription.active)
    for subscription in (await session.scalars(wanted)).all():
        if not subscription.kinds or kind in subscription.kinds:
            session.add(Delivery(change=row.id, subscription=subscription.id, next_try_at=effects.now))
    await session.flush()
    return True


async def customer_id(effects: Effects, subject: str) -> str | None:
    """By what the site knows this person."""
    found: str | None = await effects.session.scalar(select(Customer.id).where(Customer.subject == subject))
    return found


async def erased(effects: Effects, store: str, customer: str) -> None:
    """Tell the site that a customer was erased, so that it forgets what it was told. Holds their id and nothing else.

    Sealed under a name of its own: the person's key, and rows under it, are about to go.
    """
    number = secrets.token_hex(16)
    await tell(effects, store, f"erased:{number}", customer, "customer.erased", number, {})


async def tried(effects: Effects, store: str, subject: str, opinion: int, data: Mapping[str, object]) -> None:
    """Tell what somebody thought of a product; said more of it within the visit, it is told again as a whole."""
    customer = await customer_id(effects, subject)
    if customer is not None:
        reference = f"{opinion}-{round(effects.now.timestamp() * 1000)}-{secrets.token_hex(4)}"
        await tell(effects, store, subject, customer, "product.tried", reference, data)


async def withdrawn(effects: Effects, store: str, subject: str, visit: str) -> None:
    """The visit was not this person's after all: take back what the site was told of it, if it was told anything.

    What was told gets another reference, so that the visit can be told of whoever it belongs to.
    """
    session = effects.session
    mine = (SiteChange.store == store, SiteChange.owner == subject)
    of_visit = select(SiteChange).where(*mine, SiteChange.kind.in_(_OF_VISIT), SiteChange.reference == visit)
    told = (await session.scalars(of_visit)).all()
    for row in told:
        row.reference = f"{visit}:{row.message}"
    tried_in = select(SiteChange).where(*mine, SiteChange.kind == "product.tried")
    opinions = [row for row in (await session.scalars(tried_in)).all() if _visit_of(effects, row) == visit]
    customer = await customer_id(effects, subject)
    if customer is not None and (told or opinions):
        number = f"{visit}:{secrets.token_hex(8)}"
        await tell(effects, store, subject, customer, "visit.withdrawn", number, {"visit": visit})


def _visit_of(effects: Effects, row: SiteChange) -> object:
    content = effects.vault.open(row.owner, row.sealed)
    data = content.get("data") if isinstance(content, dict) else None
    return data.get("visit") if isinstance(data, dict) else None


async def ended(effects: Effects, visits: Iterable[Visit]) -> None:
    """Visits that are over are told in a few seconds."""
    rows = [
        {"store": visit.store, "visit": visit.id, "due_at": effects.now + LATE_NEWS}
        for visit in visits
        if visit.ended_at is not None and visit.subject is not None
    ]
    await insert_missing(effects.session, EndedVisit, rows)


async def forget_old(session: AsyncSession, now: datetime) -> None:
    """What the site had a month to fetch; deliveries go with it."""
    await session.execute(delete(SiteChange).where(SiteChange.at < now - KEPT))
