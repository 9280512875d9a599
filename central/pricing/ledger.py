"""The price ledger: what was quoted, shown, seen, charged and voided, where and when."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects
from central.pricing.schemas import LedgerOut
from central.pricing.tables import LedgerEntry, Quote

Step = Literal["quoted", "shown", "confirmed", "charged", "voided"]
Place = Literal["label", "phone", "till"]


def enter(
    effects: Effects,
    store: str,
    sku: str,
    variant: Literal["public", "personal"],
    step: Step,
    price: int,
    *,
    place: Place = "label",
    label: str | None = None,
    quote: Quote | None = None,
) -> None:
    """Add a line to the ledger."""
    effects.session.add(
        LedgerEntry(
            store=store,
            sku=sku,
            label=label or (quote.label if quote and place == "label" else None),
            place=place,
            visit=quote.visit if quote else None,
            quote=quote.id if quote else None,
            variant=variant,
            step=step,
            price=price,
            at=effects.now,
        )
    )


async def entries(
    session: AsyncSession,
    store: str,
    *,
    sku: str | None = None,
    label: str | None = None,
    visit: str | None = None,
    before: datetime | None = None,
    limit: int = 1000,
) -> list[LedgerOut]:
    """The ledger, newest first."""
    statement = select(LedgerEntry).where(LedgerEntry.store == store)
    for column, value in ((LedgerEntry.sku, sku), (LedgerEntry.label, label), (LedgerEntry.visit, visit)):
        if value is not None:
            statement = statement.where(column == value)
    if before is not None:
        statement = statement.where(LedgerEntry.at < before)
    statement = statement.order_by(LedgerEntry.id.desc()).limit(limit)
    return [LedgerOut.model_validate(row, from_attributes=True) for row in (await session.scalars(statement)).all()]
