"""Visits for pages and programs, with names only where the person allowed it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics.tables import Stay
from central.pricing import service as pricing
from central.privacy.service import purposes_of_many
from central.privacy.vault import Vault
from central.profiles.service import open_profile
from central.profiles.tables import Customer
from central.visits.schemas import EvidenceOut, StayOut, VisitDetail, VisitOut
from central.visits.tables import Evidence, Visit

GUEST = "a guest"


async def recent(session: AsyncSession, vault: Vault, store: str, limit: int = 100) -> tuple[list[VisitOut], list[str]]:
    """Newest visits, and the ids of the customers whose names they show (for the audit)."""
    statement = select(Visit).where(Visit.store == store).order_by(Visit.first_seen_at.desc()).limit(limit)
    return await _outs(session, vault, (await session.scalars(statement)).all())


async def detail(
    session: AsyncSession, vault: Vault, store: str, visit: str, now: datetime
) -> tuple[VisitDetail, list[str]] | None:
    """One visit with evidence, stays and quotes."""
    row = await session.get(Visit, (store, visit))
    if row is None:
        return None
    outs, read = await _outs(session, vault, [row])
    clues = select(Evidence).where(Evidence.store == store, Evidence.visit == visit).order_by(Evidence.at)
    stays = select(Stay).where(Stay.store == store, Stay.visit == visit).order_by(Stay.left_at)
    whole = VisitDetail(
        **outs[0].model_dump(),
        evidence=[
            EvidenceOut.model_validate(clue, from_attributes=True) for clue in (await session.scalars(clues)).all()
        ],
        stays=[StayOut.model_validate(stay, from_attributes=True) for stay in (await session.scalars(stays)).all()],
        quotes=await pricing.quotes(session, store, visit, now),
    )
    return whole, read


async def _outs(session: AsyncSession, vault: Vault, rows: Sequence[Visit]) -> tuple[list[VisitOut], list[str]]:
    subjects = {row.subject for row in rows if row.subject is not None}
    purposes = await purposes_of_many(session, subjects)
    found = (await session.scalars(select(Customer).where(Customer.subject.in_(subjects)))).all()
    named = {row.subject: row for row in found if purposes.get(row.subject, {}).get("profile", False)}
    outs = []
    for row in rows:
        customer = named.get(row.subject or "")
        name = open_profile(vault, customer).name if customer else GUEST if row.subject else None
        fields = {field: getattr(row, field) for field in VisitOut.model_fields if field != "customer"}
        outs.append(VisitOut.model_validate({**fields, "customer": name}))
    return outs, sorted(customer.id for customer in named.values())
