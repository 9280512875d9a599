"""Products, their stock and their price history into the database, a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from sqlalchemy import Table, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.prices import effective
from central.catalogue.tables import PriceChange, Product, Stock, Store
from central.database import Base
from central.effects import Effects
from central.labels.tables import Label

Body = Mapping[str, Any]
"""An offer as feeds.offers packs it: checked there, so that its fields have the types of Offer."""
_SAME = ("category", "page", "pictures", "currency", "available", "online", "old_price")
_STAY = ("gtin", "brand", "model", "cost")
"""What an article is called by does not change: when a feed leaves it out, it stays (labels lead to it by its GTIN)."""
_KEPT = (
    *(Product.sku, Product.title, Product.subtitle, Product.url, Product.parameters, Product.price),
    *(Product.gtin, Product.brand, Product.model, Product.cost),
)


class _Before(Protocol):
    """What a new offer does not overwrite."""

    @property
    def title(self) -> dict[str, Any]: ...
    @property
    def subtitle(self) -> dict[str, Any]: ...
    @property
    def url(self) -> str: ...
    @property
    def gtin(self) -> str | None: ...
    @property
    def brand(self) -> str | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def cost(self) -> int | None: ...
    @property
    def parameters(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer as packed, with its digest."""

    sku: str
    digest: str
    body: Body


async def put(effects: Effects, store: Store, feed: str, offers: Sequence[Offered]) -> set[str]:
    """Write new and changed offers; the SKUs among them that hang on a label."""
    session, skus = effects.session, [offer.sku for offer in offers]
    statement = select(*_KEPT).where(Product.store == store.id, Product.sku.in_(skus))
    before = {row.sku: row for row in (await session.execute(statement)).all()}
    rows = [_row(store, feed, offer, cast("_Before | None", before.get(offer.sku)), effects.now) for offer in offers]
    await upsert_many(session, Product, rows, ("store", "sku"))
    old = {sku: row.price for sku, row in before.items()}
    await note_prices(effects, store.id, {row["sku"]: row["price"] for row in rows}, old)
    await session.execute(delete(Stock).where(Stock.store == store.id, Stock.sku.in_(skus)))
    stock = [row for offer in offers for row in _stock(store.id, offer, effects.now)]
    if stock:
        await session.execute(insert(Stock), stock)
    return await labelled(session, store.id, skus)


def _row(store: Store, feed: str, offer: Offered, before: _Before | None, now: datetime) -> dict[str, Any]:
    """The offer over what was known: other languages, cost and the label's address stay when the feed has none."""
    body, language = offer.body, store.language
    sale_from, sale_until = _time(body["sale_from"]), _time(body["sale_until"])
    title = {**(before.title if before else {}), language: body["title"]}
    subtitle = dict(before.subtitle) if before else {}
    if body["subtitle"] and not subtitle.get(language):
        subtitle[language] = body["subtitle"]
    return {
        "store": store.id,
        "sku": offer.sku,
        **{name: body[name] for name in _SAME},
        **{name: getattr(before, name, None) if body[name] is None else body[name] for name in _STAY},
        "title": title,
        "subtitle": subtitle,
        "price": effective(body["price"], body["sale_price"], sale_from, sale_until, now),
        "regular_price": body["price"] if body["sale_price"] is not None else None,
        "sale_price": body["sale_price"],
        "sale_from": sale_from,
        "sale_until": sale_until,
        "url": before.url if before else "",
        "parameters": body["parameters"] or (before.parameters if before else {}),
        "feed": feed,
        "digest": offer.digest,
    }


def _stock(store: str, offer: Offered, now: datetime) -> list[dict[str, object]]:
    return [
        {
            "store": store,
            "sku": offer.sku,
            "outlet": outlet,
            "quantity": quantity,
            "delivery_days": days,
            "delivery_at": _time(at),
            "updated_at": now,
        }
        for outlet, quantity, days, at in offer.body["stock"]
    ]


def _time(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


async def upsert_many(
    session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, object]], key: Sequence[str]
) -> None:
    """Rows of the same columns in one executemany: thirty times faster than one statement a row."""
    if not rows:
        return
    target = cast("Table", table.__table__)
    statement = (sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert)(target)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    statement = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    connection = await session.connection()
    await connection.execute(statement, [dict(row) for row in rows])


async def note_prices(effects: Effects, store: str, prices: Mapping[str, int], old: Mapping[str, int]) -> None:
    """Add to the history what differs from the price before, or has none."""
    fresh = [
        {"store": store, "sku": sku, "price": price, "from_at": effects.now}
        for sku, price in prices.items()
        if old.get(sku) != price
    ]
    if fresh:
        await effects.session.execute(insert(PriceChange), fresh)


async def known_prices(session: AsyncSession, store: str, skus: Collection[str]) -> dict[str, int]:
    """Public prices as they are, by SKU."""
    statement = select(Product.sku, Product.price).where(Product.store == store, Product.sku.in_(skus))
    return {row.sku: row.price for row in (await session.execute(statement)).all()}


async def withdraw(session: AsyncSession, store: str, skus: Sequence[str]) -> None:
    """Offers that are gone from a full feed: kept for history and opinions, but not to be had."""
    gone = update(Product).where(Product.store == store, Product.sku.in_(skus))
    await session.execute(gone.values(available=False, digest=None).execution_options(synchronize_session=False))
    await session.execute(delete(Stock).where(Stock.store == store, Stock.sku.in_(skus)))


async def labelled(session: AsyncSession, store: str, skus: Collection[str]) -> set[str]:
    """Those of the SKUs that hang on a label."""
    statement = select(Label.sku).where(Label.store == store, Label.sku.in_(skus)).distinct()
    return set((await session.scalars(statement)).all())


async def turn_sales(effects: Effects) -> set[str]:
    """Begin and end timed sales that are due; the stores whose prices changed."""
    session, now = effects.session, effects.now
    statement = select(Product).where(*_due(now)).limit(1000)
    stores = set()
    for row in (await session.scalars(statement)).all():
        regular = row.price if row.regular_price is None else row.regular_price
        price = effective(regular, row.sale_price, row.sale_from, row.sale_until, now)
        if row.sale_until is not None and row.sale_until <= now:
            row.sale_price = row.sale_from = row.sale_until = row.regular_price = None
        elif row.sale_from is not None and row.sale_from <= now:
            row.sale_from = None
        if price != row.price:
            await note_prices(effects, row.store, {row.sku: price}, {row.sku: row.price})
            row.price = price
            stores.add(row.store)
    await session.flush()
    return stores


def _due(now: datetime) -> tuple[Any, ...]:
    begins, ends = Product.sale_from <= now, Product.sale_until <= now
    return (Product.sale_price.is_not(None), or_(begins, ends))


async def sales_due(session: AsyncSession, now: datetime) -> bool:
    """Whether `turn_sales` has anything to do."""
    return (await session.scalar(select(Product.sku).where(*_due(now)).limit(1))) is not None
