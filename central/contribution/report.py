"""Reading contribution: sums per consultant, and everything behind one of them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.contribution.formula import Kind
from central.contribution.schemas import ConsultantOut, DeedOut, DetailOut, LineOut, ReasonOut, ReportOut, SoldOut
from central.contribution.tables import ContributionEvidence, ContributionReason, ContributionShare
from central.sales.tables import Sale, SaleLine

MOST_LINES = 500


async def report(
    session: AsyncSession, store: Store, start: datetime, end: datetime, only: str | None = None
) -> ReportOut:
    """All consultants of a store, or one (`only`), largest first."""
    sums = await _sums(session, store.id, start, end, only)
    deeds = await _deeds(session, store.id, start, end, only)
    found = [
        ConsultantOut(
            consultant=name,
            amount=sum(sums[name].values()),
            sales=await _sales(session, store.id, start, end, name),
            till=sums[name].get("till", 0),
            site=sums[name].get("site", 0),
            deeds=deeds.get(name, {}),
        )
        for name in {*sums, *deeds}
    ]
    found.sort(key=lambda item: (-item.amount, item.consultant))
    return ReportOut(
        start=start,
        end=end,
        currency=store.currency,
        sold=await _sold(session, store, start, end),
        other_currency=await _others(session, store, start, end),
        shared=sum(item.amount for item in found),
        consultants=found,
    )


async def _sums(
    session: AsyncSession, store: str, start: datetime, end: datetime, only: str | None
) -> dict[str, dict[str, int]]:
    statement = (
        select(ContributionShare.consultant, ContributionShare.channel, func.sum(ContributionShare.amount))
        .where(_period(store, start, end, only))
        .group_by(ContributionShare.consultant, ContributionShare.channel)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for name, channel, amount in (await session.execute(statement)).all():
        found[name][channel] = int(amount)
    return found


async def _deeds(
    session: AsyncSession, store: str, start: datetime, end: datetime, only: str | None
) -> dict[str, dict[Kind, int]]:
    statement = (
        select(ContributionEvidence.consultant, ContributionEvidence.kind, func.count())
        .where(
            ContributionEvidence.store == store,
            ContributionEvidence.at >= start,
            ContributionEvidence.at < end,
            ContributionEvidence.undone_at.is_(None),
            *([ContributionEvidence.consultant == only] if only is not None else []),
        )
        .group_by(ContributionEvidence.consultant, ContributionEvidence.kind)
    )
    found: dict[str, dict[Kind, int]] = defaultdict(dict)
    for name, kind, count in (await session.execute(statement)).all():
        found[name][cast("Kind", kind)] = int(count)
    return found


async def _sales(session: AsyncSession, store: str, start: datetime, end: datetime, consultant: str) -> int:
    parts = select(ContributionShare.channel, ContributionShare.scope, ContributionShare.sale)
    distinct = parts.where(_period(store, start, end, consultant)).distinct().subquery()
    return int(await session.scalar(select(func.count()).select_from(distinct)) or 0)


async def _others(session: AsyncSession, store: Store, start: datetime, end: datetime) -> int:
    statement = select(func.count()).select_from(Sale).where(Sale.store == store.id, Sale.currency != store.currency)
    return int(await session.scalar(statement.where(Sale.at >= start, Sale.at < end)) or 0)


async def _sold(session: AsyncSession, store: Store, start: datetime, end: datetime) -> int:
    statement = (
        select(func.sum(SaleLine.quantity * SaleLine.price))
        .join(Sale, and_(Sale.channel == SaleLine.channel, Sale.scope == SaleLine.scope, Sale.id == SaleLine.sale))
        .where(Sale.store == store.id, Sale.currency == store.currency, Sale.at >= start, Sale.at < end)
    )
    return int(await session.scalar(statement) or 0)


def _period(store: str, start: datetime, end: datetime, only: str | None) -> ColumnElement[bool]:
    condition = and_(
        ContributionShare.store == store, ContributionShare.sold_at >= start, ContributionShare.sold_at < end
    )
    return condition if only is None else and_(condition, ContributionShare.consultant == only)


async def detail(session: AsyncSession, store: str, consultant: str, start: datetime, end: datetime) -> DetailOut:
    """Every line of one consultant, newest first, with the deeds behind it; at most 500 lines."""
    line = and_(
        SaleLine.channel == ContributionShare.channel,
        SaleLine.scope == ContributionShare.scope,
        SaleLine.sale == ContributionShare.sale,
        SaleLine.sku == ContributionShare.sku,
    )
    statement = (
        select(ContributionShare, SaleLine)
        .join(SaleLine, line)
        .where(_period(store, start, end, consultant))
        .order_by(ContributionShare.sold_at.desc(), ContributionShare.sale, ContributionShare.sku)
        .limit(MOST_LINES)
    )
    found = (await session.execute(statement)).all()
    reasons = await _reasons(session, [share for share, _ in found])
    lines = [
        LineOut(
            channel=share.channel,
            sale=share.sale,
            sku=share.sku,
            sold_at=share.sold_at,
            quantity=row.quantity,
            price=row.price,
            share=share.share,
            amount=share.amount,
            formula=share.formula,
            reasons=reasons.get((share.channel, share.scope, share.sale, share.sku), []),
        )
        for share, row in found
    ]
    deeds = await _done(session, store, consultant, start, end)
    return DetailOut(consultant=consultant, amount=sum(item.amount for item in lines), lines=lines, deeds=deeds)


async def _done(session: AsyncSession, store: str, consultant: str, start: datetime, end: datetime) -> list[DeedOut]:
    """What the report counts as deeds, newest first; at most 500."""
    earned = (
        select(func.count())
        .where(ContributionReason.evidence == ContributionEvidence.id)
        .correlate(ContributionEvidence)
        .scalar_subquery()
    )
    statement = (
        select(ContributionEvidence, earned)
        .where(
            ContributionEvidence.store == store,
            ContributionEvidence.consultant == consultant,
            ContributionEvidence.at >= start,
            ContributionEvidence.at < end,
            ContributionEvidence.undone_at.is_(None),
        )
        .order_by(ContributionEvidence.at.desc(), ContributionEvidence.id.desc())
        .limit(MOST_LINES)
    )
    rows = (await session.execute(statement)).all()
    return [DeedOut(kind=deed.kind, at=deed.at, sku=deed.sku, lines=int(lines)) for deed, lines in rows]


async def sold(session: AsyncSession, store: str, start: datetime, end: datetime) -> list[SoldOut]:
    """Every line behind the store's total, newest first; at most 500."""
    of_sale = and_(Sale.channel == SaleLine.channel, Sale.scope == SaleLine.scope, Sale.id == SaleLine.sale)
    share = and_(
        ContributionShare.channel == SaleLine.channel,
        ContributionShare.scope == SaleLine.scope,
        ContributionShare.sale == SaleLine.sale,
        ContributionShare.sku == SaleLine.sku,
    )
    own = select(Store.currency).where(Store.id == store).scalar_subquery()
    part = func.coalesce(func.sum(ContributionShare.amount), 0)
    columns = (SaleLine.channel, SaleLine.scope, SaleLine.sale, SaleLine.sku)
    rest = (SaleLine.quantity, SaleLine.price, Sale.at)
    statement = (
        select(*columns, *rest, part)
        .join(Sale, of_sale)
        .outerjoin(ContributionShare, share)
        .where(Sale.store == store, Sale.currency == own, Sale.at >= start, Sale.at < end)
        .group_by(*columns, *rest)
        .order_by(Sale.at.desc(), SaleLine.sale, SaleLine.sku)
        .limit(MOST_LINES)
    )
    return [
        SoldOut(
            channel=channel, sale=sale, sku=sku, sold_at=at, quantity=count, total=count * price, shared=int(shared)
        )
        for channel, _, sale, sku, count, price, at, shared in (await session.execute(statement)).all()
    ]


async def _reasons(
    session: AsyncSession, parts: list[ContributionShare]
) -> dict[tuple[str, str, str, str], list[ReasonOut]]:
    if not parts:
        return {}
    sold_at = {(part.channel, part.scope, part.sale, part.sku): part.sold_at for part in parts}
    statement = (
        select(ContributionReason, ContributionEvidence)
        .join(ContributionEvidence, ContributionEvidence.id == ContributionReason.evidence)
        .where(
            ContributionReason.consultant == parts[0].consultant,
            ContributionReason.sale.in_({part.sale for part in parts}),
        )
        .order_by(ContributionEvidence.at)
    )
    found: dict[tuple[str, str, str, str], list[ReasonOut]] = defaultdict(list)
    for reason, deed in (await session.execute(statement)).all():
        key = (reason.channel, reason.scope, reason.sale, reason.sku)
        if key in sold_at:
            age = (sold_at[key] - deed.at) / timedelta(days=1)
            out = ReasonOut(kind=deed.kind, at=deed.at, age_days=age, sku=deed.sku, points=reason.points)
            found[key].append(out)
    return found
