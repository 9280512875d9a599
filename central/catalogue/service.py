"""Stores and products."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.parameters import read
from central.catalogue.schemas import LabelPlace, StoreName, StoreOut
from central.catalogue.tables import Product, Store
from central.labels.tables import Label
from contract.commands import LabelContent

LONGEST_LINK: Final = 160


async def names(session: AsyncSession, only: str | None) -> list[StoreName]:
    """The stores somebody may see: one, or all when `only` is None."""
    statement = select(Store).order_by(Store.id)
    if only is not None:
        statement = statement.where(Store.id == only)
    return [StoreName(id=row.id, name=row.name) for row in (await session.scalars(statement)).all()]


async def store(session: AsyncSession, store_id: str) -> StoreOut | None:
    """One store with plan, zones, lines, cameras and labels."""
    row = await session.get(Store, store_id)
    if row is None:
        return None
    labels = (await session.scalars(select(Label).where(Label.store == store_id).order_by(Label.id))).all()
    return StoreOut.model_validate(
        {
            **row.layout,
            "plan": _plan(row),
            "id": row.id,
            "name": row.name,
            "region": row.region,
            "currency": row.currency,
            "language": row.language,
            "timezone": row.timezone,
            "labels": [place(label) for label in labels],
        }
    )


def drawing(row: Store) -> str | None:
    """The SVG text under the plan, if the import brought one."""
    plan = row.layout.get("plan")
    svg = plan.get("svg") if isinstance(plan, dict) else None
    return svg if isinstance(svg, str) and svg.lstrip().startswith("<") else None


def _plan(row: Store) -> object:
    plan = row.layout.get("plan")
    if drawing(row) is None or not isinstance(plan, dict):
        return plan
    return {**plan, "svg": f"/api/v1/stores/{row.id}/plan.svg"}


async def stores(session: AsyncSession, only: str | None) -> list[StoreOut]:
    """Whole stores somebody may see."""
    found = [await store(session, name.id) for name in await names(session, only)]
    return [item for item in found if item is not None]


def place(label: Label) -> LabelPlace:
    """Where a label hangs."""
    position = None if label.x is None or label.y is None else (label.x, label.y)
    return LabelPlace(
        id=label.id,
        node=label.node,
        zone=label.zone,
        sku=label.sku,
        width_px=label.width_px,
        height_px=label.height_px,
        position=position,
    )


def link_of(product: Product, public_url: str | None) -> str:
    """What the QR on a label says: the product's own address, else its GS1 Digital Link at this service, else nothing.

    GS1 Digital Link URI syntax 1.5: 01 and the GTIN in 14 digits.
    """
    if product.url or public_url is None or product.gtin is None:
        return product.url
    link = f"{public_url}/01/{product.gtin.zfill(14)}?store={product.store}"
    return link if len(link) <= LONGEST_LINK else ""


def public_content(product: Product, language: str, public_url: str | None = None) -> LabelContent:
    """The public price of a product as a label shows it."""
    return LabelContent(
        title=(_text(product.title, language) or product.sku)[:80],
        subtitle=_text(product.subtitle, language)[:80],
        sku=product.sku,
        link=link_of(product, public_url),
        price=product.price,
        currency=product.currency,
        lines=tuple(f"{name}: {item.text}"[:40] for name, item in list(read(product.parameters).items())[:2]),
        language="ru" if language == "ru" else "en",
    )


def _text(texts: dict[str, object], language: str) -> str:
    for key in (language, "en", *texts):
        value = texts.get(key)
        if isinstance(value, str) and value:
            return value
    return ""
