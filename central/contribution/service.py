"""Noting what consultants do, and sharing sales by it. Shares are made anew when the sale or its evidence changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import and_, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.contribution.formula import DEFAULT, Deed, Formula, Kind, parse, shares
from central.contribution.tables import (
    ContributionEvidence,
    ContributionFormula,
    ContributionReason,
    ContributionShare,
)
from central.effects import Effects
from central.sales.tables import Sale, SaleLine

LONGEST = timedelta(days=365)
"""No formula looks further back."""


@lru_cache(maxsize=64)
def _parsed(text: str) -> Formula:
    return parse(text)


async def note(
    effects: Effects,
    kind: Kind,
    consultant: str,
    store: str,
    reference: str,
    *,
    subject: str | None,
    visit: str | None = None,
    sku: str | None = None,
) -> None:
    """Keep one deed; the same reference again is the same deed. Sales that came before it are shared anew."""
    session = effects.session
    known = select(ContributionEvidence).where(
        ContributionEvidence.store == store,
        ContributionEvidence.kind == kind,
        ContributionEvidence.reference == reference,
        ContributionEvidence.consultant == consultant,
    )
    row = (await session.scalars(known)).one_or_none()
    if row is None:
        row = ContributionEvidence(store=store, consultant=consultant, kind=kind, reference=reference, at=effects.now)
        session.add(row)
    elif row.undone_at is None and (row.subject, row.visit, row.sku) == (subject, visit, sku):
        return
    row.subject, row.visit, row.sku, row.undone_at = subject, visit, sku, None
    await session.flush()
    if subject is not None:
        await share_sales_of(effects, subject)


async def undo(effects: Effects, kind: Kind, store: str, reference: str) -> None:
    """The deed did not happen after all."""
    statement = select(ContributionEvidence).where(
        ContributionEvidence.store == store,
        ContributionEvidence.kind == kind,
        ContributionEvidence.reference == reference,
        ContributionEvidence.undone_at.is_(None),
    )
    rows = (await effects.session.scalars(statement)).all()
    for row in rows:
        row.undone_at = effects.now
    await effects.session.flush()
    for subject in sorted({row.subject for row in rows if row.subject}):
        await share_sales_of(effects, subject)


async def visits_became(effects: Effects, visits: Mapping[tuple[str, str], str | None]) -> None:
    """Whose each (store, visit) is now: what was done in a visit follows its person, and so do the shares."""
    if not visits:
        return
    names = {visit for _, visit in visits}
    statement = select(ContributionEvidence).where(ContributionEvidence.visit.in_(names))
    people: set[str] = set()
    for row in (await effects.session.scalars(statement)).all():
        subject = visits.get((row.store, row.visit or ""), row.subject)
        if subject != row.subject:
            people.update(person for person in (row.subject, subject) if person)
            row.subject = subject
    await effects.session.flush()
    for person in sorted(people):
        await share_sales_of(effects, person)


async def share_sales_of(effects: Effects, subject: str) -> None:
    """Share every sale of a person that a formula can reach."""
    statement = select(Sale).where(Sale.subject == subject, Sale.at >= effects.now - LONGEST)
    for sale in (await effects.session.scalars(statement)).all():
        await share(effects, sale)


async def share(effects: Effects, sale: Sale) -> None:
    """Share one sale, line by line. A sale whose buyer is not known (any more) keeps the shares it has.

    By the formula that was in force when it was recorded, however late something of it changes.
    Sums of two currencies cannot be added up: what was paid in another one than the shop's is nobody's.
    """
    session = effects.session
    of_sale = (
        ContributionShare.channel == sale.channel,
        ContributionShare.scope == sale.scope,
        ContributionShare.sale == sale.id,
    )
    lines = select(SaleLine).where(
        SaleLine.channel == sale.channel, SaleLine.scope == sale.scope, SaleLine.sale == sale.id
    )
    if sale.subject is None and sale.visit is None:
        rows = (await session.scalars(lines)).all()
        sums = {line.sku: line.quantity * line.price for line in rows}
        for part in (await session.scalars(select(ContributionShare).where(*of_sale))).all():
            part.amount = int(part.share * sums.get(part.sku, 0))
        return
    made_by = select(ContributionShare.store, ContributionShare.formula).where(*of_sale)
    before = (await session.execute(made_by.limit(1))).one_or_none()
    await session.execute(delete(ContributionShare).where(*of_sale))
    deeds = await _deeds(session, sale)
    rows = (await session.scalars(lines)).all() if deeds else ()
    for store in sorted(deeds):
        if await _currency(session, store) not in {None, sale.currency}:
            continue
        if before is not None and before.store == store:
            number, formula = before.formula, await _numbered(session, before.formula)
        else:
            number, formula = await in_force(session, store, sale.recorded_at)
        for line in rows:
            await _share_line(session, line, sale.at, store, (number, formula), deeds[store])


async def _currency(session: AsyncSession, store: str) -> str | None:
    return await session.scalar(select(Store.currency).where(Store.id == store))


async def _share_line(
    session: AsyncSession,
    line: SaleLine,
    sold_at: datetime,
    store: str,
    in_force: tuple[int | None, Formula],
    deeds: Iterable[Deed],
) -> None:
    key = {"channel": line.channel, "scope": line.scope, "sale": line.sale, "sku": line.sku}
    parts = shares(in_force[1], line.sku, sold_at, deeds)
    session.add_all(
        ContributionShare(
            **key,
            consultant=part.consultant,
            store=store,
            sold_at=sold_at,
            share=part.share,
            amount=int(part.share * line.quantity * line.price),
            formula=in_force[0],
        )
        for part in parts
    )
    await session.flush()  # reasons refer to the shares
    session.add_all(
        ContributionReason(**key, consultant=part.consultant, evidence=reason.deed.id, points=reason.points)
        for part in parts
        for reason in part.reasons
    )
    await session.flush()


async def _deeds(session: AsyncSession, sale: Sale) -> dict[str, list[Deed]]:
    """What was done for the buyer before the sale, by shop. Only the shop of the latest deed shares a sale.

    Of a buyer without a profile the visit alone is known: what was done in it.
    """
    mine = ContributionEvidence.subject == sale.subject
    if sale.subject is None:
        mine = and_(ContributionEvidence.visit == sale.visit, ContributionEvidence.store == sale.store)
    statement = (
        select(ContributionEvidence)
        .where(
            mine,
            ContributionEvidence.undone_at.is_(None),
            ContributionEvidence.at <= sale.at,
            ContributionEvidence.at >= sale.at - LONGEST,
        )
        .order_by(ContributionEvidence.at.desc())
    )
    rows = (await session.scalars(statement)).all()
    if not rows:
        return {}
    store = rows[0].store
    return {
        store: [
            Deed(row.id, row.consultant, row.kind, row.at, row.sku)  # type: ignore[arg-type]
            for row in rows
            if row.store == store
        ]
    }


async def in_force(session: AsyncSession, store: str, at: datetime) -> tuple[int | None, Formula]:
    """Number and formula of a store at a moment; the default until somebody writes another."""
    row = await current(session, store, at)
    return (None, DEFAULT) if row is None else (row.id, _parsed(row.text))


async def _numbered(session: AsyncSession, number: int | None) -> Formula:
    row = await session.get(ContributionFormula, number) if number is not None else None
    return DEFAULT if row is None else _parsed(row.text)


async def current(session: AsyncSession, store: str, at: datetime | None = None) -> ContributionFormula | None:
    """The row in force now, or at a moment."""
    statement = select(ContributionFormula).where(ContributionFormula.store == store)
    if at is not None:
        statement = statement.where(ContributionFormula.activated_at <= at)
    return (await session.scalars(statement.order_by(ContributionFormula.id.desc()).limit(1))).first()


async def activate(effects: Effects, store: str, text: str, by: str) -> ContributionFormula:
    """Put a formula in force for sales from now on. RuleFileError."""
    parse(text)
    row = await current(effects.session, store)
    if row is not None and row.text == text:
        return row
    row = ContributionFormula(store=store, text=text, activated_by=by, activated_at=effects.now)
    effects.session.add(row)
    await effects.session.flush()
    return row
