"""Reading products: by SKU, by GTIN, by words; where they can be had."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal

from sqlalchemy import String, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue import gtin as gtins
from central.catalogue.parameters import read
from central.catalogue.prices import lowest_30_days
from central.catalogue.reviews.service import rating
from central.catalogue.schemas import Availability, Elsewhere, ParameterOut, PricePoint, ProductOut
from central.catalogue.tables import PriceChange, Product, Stock

DELIVERY: Final = "delivery"
_MANY: Final = 500
Status = Literal["here", "delivery", "elsewhere", "online", "none"]


async def product(session: AsyncSession, store: str, sku: str) -> Product | None:
    """One product."""
    return await session.get(Product, (store, sku)) if sku.isprintable() else None


async def by_gtin(session: AsyncSession, store: str, scanned: str) -> Product | None:
    """The product of a GTIN, however written: bare, with leading zeros, or as a GS1 Digital Link."""
    number = gtins.of_link(scanned)
    if number is None:
        return None
    statement = select(Product).where(Product.store == store, Product.gtin.in_(gtins.same(number)))
    return (await session.scalars(statement.order_by(Product.available.desc(), Product.sku).limit(1))).first()


async def find(session: AsyncSession, store: str, words: str, limit: int) -> list[Product]:
    """Products whose title, brand, model or SKU has all the words; those that can be had first."""
    statement = select(Product).where(Product.store == store)
    for word in "".join(sign if sign.isprintable() else " " for sign in words).split()[:8]:
        like = f"%{_literal(word.lower())}%"
        places = (func.lower(Product.brand), func.lower(Product.model), func.lower(Product.sku))
        title = [func.lower(cast(Product.title[language].as_string(), String)) for language in ("en", "ru")]
        # SQLite's lower() knows ASCII alone: a Cyrillic word is also tried as written and capitalised.
        spelled = {word, word.lower(), word.capitalize(), word.upper()}
        plain = [
            Product.title[language].as_string().like(f"%{_literal(form)}%", escape="\\")
            for language in ("en", "ru")
            for form in sorted(spelled)
        ]
        statement = statement.where(or_(*(place.like(like, escape="\\") for place in (*places, *title)), *plain))
    ordered = statement.order_by(Product.available.desc(), Product.sku).limit(limit)
    return list((await session.scalars(ordered)).all())


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def availability(session: AsyncSession, products: Sequence[Product], now: datetime) -> dict[str, Availability]:
    """Where products of one store can be had, by SKU."""
    stock: dict[str, list[Stock]] = {row.sku: [] for row in products}
    skus = sorted(stock)
    for start in range(0, len(skus), _MANY):
        part = skus[start : start + _MANY]
        rows = await session.scalars(select(Stock).where(Stock.store == products[0].store, Stock.sku.in_(part)))
        for row in rows.all():
            stock[row.sku].append(row)
    return {row.sku: judge(row, stock[row.sku], now) for row in products}


def judge(row: Product, stock: Collection[Stock], now: datetime) -> Availability:
    """From what the feed said. A product nobody gave a stock for is taken to be on its shelf."""
    status, here = status_of(
        row.store, {item.outlet: item.quantity for item in stock}, available=row.available, online=row.online
    )
    shops = [item for item in stock if item.outlet not in {row.store, DELIVERY} and item.quantity != 0]
    brought = next((item for item in stock if item.outlet == DELIVERY), None)
    if not row.available:
        shops, brought = [], None
    return Availability(
        status=status,
        here=here,
        delivery_at=_day(brought, now),
        online=row.online,
        elsewhere=[Elsewhere(outlet=item.outlet, quantity=item.quantity) for item in sorted(shops, key=_outlet)],
    )


def status_of(
    store: str, places: Mapping[str, int | None], *, available: bool, online: bool
) -> tuple[Status, int | None]:
    """In one word where it can be had, and how many are here; `places`: quantity by outlet (None: some)."""
    if not available:
        return "none", 0
    here: int | None = 0
    if not online:
        here = places.get(store, 0 if places else None)
    if here is None or here > 0:
        return "here", here
    if online:
        return "online", here
    if DELIVERY in places:
        return "delivery", here
    elsewhere = any(quantity != 0 for outlet, quantity in places.items() if outlet != store)
    return ("elsewhere" if elsewhere else "none"), here


def _outlet(item: Stock) -> str:
    return item.outlet


def _day(brought: Stock | None, now: datetime) -> date | None:
    if brought is None:
        return None
    if brought.delivery_at is not None and brought.delivery_at > now:
        return brought.delivery_at.date()
    if brought.delivery_days is not None:
        return (now + timedelta(days=brought.delivery_days)).date()
    return None


async def outs(session: AsyncSession, rows: Sequence[Product], now: datetime) -> list[ProductOut]:
    """As pages and programs see them."""
    where = await availability(session, rows, now)
    return [out(row, where[row.sku]) for row in rows]


def out(row: Product, where: Availability) -> ProductOut:
    """One of them."""
    return ProductOut(
        store=row.store,
        sku=row.sku,
        gtin=row.gtin,
        title={key: str(text) for key, text in row.title.items()},
        subtitle={key: str(text) for key, text in row.subtitle.items()},
        brand=row.brand,
        category=row.category,
        model=row.model,
        page=row.page,
        pictures=row.pictures,
        price=row.price,
        old_price=row.old_price,
        currency=row.currency,
        parameters={name: ParameterOut(**p.model_dump()) for name, p in read(row.parameters).items()},
        availability=where,
    )


async def whole(session: AsyncSession, row: Product, now: datetime) -> ProductOut:
    """One product with its lowest price of 30 days and its rating."""
    (found,) = await outs(session, [row], now)
    found.lowest_30_days = await lowest_30_days(session, row.store, row.sku, now)
    found.rating = await rating(session, row.store, row.sku)
    return found


async def history(session: AsyncSession, store: str, sku: str, limit: int) -> list[PricePoint]:
    """Public prices, newest first."""
    statement = select(PriceChange).where(PriceChange.store == store, PriceChange.sku == sku)
    rows = (
        await session.scalars(statement.order_by(PriceChange.from_at.desc(), PriceChange.id.desc()).limit(limit))
    ).all()
    return [PricePoint(price=row.price, from_at=row.from_at) for row in rows]
