"""Telling what became true: visits that ended, segments that changed; the list for whoever asks; one customer whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects
from central.predictions import service as predictions
from central.privacy.service import purposes_of, purposes_of_many
from central.privacy.vault import Vault
from central.profiles.tables import Customer
from central.segments.service import Moved, segments_of
from central.visits.tables import Visit
from central.webhooks import contents
from central.webhooks.changes import customer_id, erased, tell
from central.webhooks.schemas import AfterVisit, ChangeOut, ChangesOut, Summary
from central.webhooks.tables import EndedVisit, SiteChange

__all__ = ["changes", "erased", "opened", "summary", "tell_moves", "tell_visit", "visits_due"]
VISITS_SHOWN: Final = 20


async def visits_due(session: AsyncSession, now: datetime, limit: int = 50) -> list[tuple[str, str]]:
    """(store, visit) of visits whose end is long enough ago."""
    statement = select(EndedVisit).where(EndedVisit.due_at <= now).order_by(EndedVisit.due_at).limit(limit)
    return [(row.store, row.visit) for row in (await session.scalars(statement)).all()]


async def tell_visit(effects: Effects, store: str, visit: str) -> bool:
    """Tell a visit that is over. False: there is nobody to tell of, or they do not allow it."""
    session, vault, now = effects.session, effects.vault, effects.now
    await session.execute(delete(EndedVisit).where(EndedVisit.store == store, EndedVisit.visit == visit))
    row = await session.get(Visit, (store, visit))
    if row is None or row.subject is None:
        return False
    who = (await session.scalars(select(Customer).where(Customer.subject == row.subject))).one_or_none()
    if who is None or not (await purposes_of(session, who.subject)).get("profile", False):
        return False
    said = await contents.after_visit(session, vault, who, now, visit)
    told = await contents.visit_told(session, row)
    whole = {**told.model_dump(mode="json"), **said.model_dump(mode="json")}
    fresh = await tell(effects, store, who.subject, who.id, "visit.finished", visit, whole)
    if fresh and (said.recommended or said.retargeting):
        part = {"visit": visit, **said.model_dump(mode="json", include={"recommended", "retargeting"})}
        await tell(effects, store, who.subject, who.id, "recommendation.made", visit, part)
    if fresh and said.quotes:
        part = {"visit": visit, **said.model_dump(mode="json", include={"quotes"})}
        await tell(effects, store, who.subject, who.id, "quote.open", visit, part)
    return fresh


async def tell_moves(effects: Effects, moves: Sequence[Moved]) -> None:
    """Tell whose segments changed."""
    for moved in moves:
        customer = await customer_id(effects, moved.subject)
        allowed = (await purposes_of(effects.session, moved.subject)).get("profile", False)
        if customer is None or not allowed:
            continue
        reference = f"{moved.subject}-{round(effects.now.timestamp() * 1000)}"
        data = {"before": list(moved.before), "now": list(moved.now)}
        await tell(effects, moved.store, moved.subject, customer, "segment.changed", reference, data)


def opened(vault: Vault, row: SiteChange, purposes: dict[str, bool]) -> ChangeOut | None:
    """A change as it may be told now: consent taken back since then counts. None: not at all."""
    content = vault.open(row.owner, row.sealed)
    if not isinstance(content, dict):
        return None
    data: dict[str, Any] = content["data"]
    if row.kind != "customer.erased":
        if not purposes.get("profile", False):
            return None
        if not purposes.get("personal_price", False) and "quotes" in data:
            if row.kind == "quote.open":
                return None
            data = {**data, "quotes": []}
    return ChangeOut.model_validate(
        {"id": row.message, "type": row.kind, "timestamp": row.at, "customer": content["customer"], "data": data}
    )


async def changes(
    session: AsyncSession, vault: Vault, store: str, after: int, kinds: Collection[str], limit: int
) -> ChangesOut:
    """What was told of a store after the cursor, oldest first."""
    statement = select(SiteChange).where(SiteChange.store == store, SiteChange.id > after)
    if kinds:
        statement = statement.where(SiteChange.kind.in_(kinds))
    rows = (await session.scalars(statement.order_by(SiteChange.id).limit(limit + 1))).all()
    page = rows[:limit]
    purposes = await purposes_of_many(session, {row.owner for row in page})
    outs = [opened(vault, row, purposes.get(row.owner, {})) for row in page]
    last = page[-1].id if page else after
    return ChangesOut(
        changes=[out for out in outs if out is not None],
        next=str(last) if last else None,
        more=len(rows) > limit,
    )


async def summary(session: AsyncSession, vault: Vault, customer: Customer, now: datetime) -> Summary:
    """Everything the site may know of one customer."""
    purposes = await purposes_of(session, customer.subject)
    profile = purposes.get("profile", False)
    if not profile:
        offered = await contents.offers(session, customer, now)
        return Summary(customer=customer.id, language=customer.language, profile=False, offers=offered)
    said: AfterVisit = await contents.after_visit(session, vault, customer, now)
    statement = select(Visit).where(Visit.subject == customer.subject, Visit.store == customer.store)
    rows = (await session.scalars(statement.order_by(Visit.first_seen_at.desc()).limit(VISITS_SHOWN))).all()
    return Summary(
        customer=customer.id,
        language=customer.language,
        profile=True,
        **{name: getattr(said, name) for name in AfterVisit.model_fields},
        visits=[await contents.visit_told(session, row) for row in rows],
        segments=await segments_of(session, customer.subject, now),
        offers=await contents.offers(session, customer, now),
        predictions=await predictions.of_subject(session, customer.subject, now),
    )
