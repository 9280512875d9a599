"""The customer's own page: their price for what they scanned, their visits, who looked at their profile."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts import service as alerts
from central.alerts.tables import Alert
from central.analytics.tables import Scan
from central.catalogue import service as catalogue
from central.catalogue.products import product as product_of
from central.catalogue.tables import Product, Store
from central.effects import Effects
from central.labels.tables import Label
from central.pricing import quoting
from central.pricing.disclosure import disclosure
from central.pricing.reconcile import code_of
from central.pricing.service import show_on_phone
from central.pricing.tables import Quote
from central.privacy.service import purposes_of
from central.privacy.tables import ProfileRead
from central.profiles.phone_schemas import CallIn, CallOut, History, Looked, MyPrice, MyVisit, Why
from central.profiles.tables import Customer
from central.visits.service import live_of_subject
from central.visits.tables import Visit

MOST = 50


async def visit_now(session: AsyncSession, customer: Customer, now: datetime) -> Visit | None:
    """The visit to their store that goes on, the newest if there are two."""
    live = [row for row in await live_of_subject(session, customer.subject, now) if row.store == customer.store]
    return max(live, key=lambda row: row.first_seen_at, default=None)


async def price(
    effects: Effects, customer: Customer, sku: str, language: str, *, scanned: bool = False
) -> MyPrice | None:
    """What they pay for it now; None when the store has no such product.

    A personal price is shown on the phone under the conditions of a label (profile, personal price, a visit that goes
    on) and is a promise like one on a label.
    """
    product = await product_of(effects.session, customer.store, sku)
    store = await effects.session.get(Store, customer.store)
    if product is None or store is None:
        return None
    visit = await visit_now(effects.session, customer, effects.now)
    if scanned and visit is not None:
        place = {"store": customer.store, "sku": product.sku, "visit": visit.id, "at": effects.now}
        effects.rows[Scan].append(place)
    purposes = await purposes_of(effects.session, customer.subject)
    if not (purposes.get("profile", False) and purposes.get("personal_price", False)):
        return _public(product, "consent")
    if visit is None:
        return _public(product, "visit")
    quote = await quoting.quote_for(effects, store, visit, product, None)
    if quote is None:
        return _public(product, "none")
    show_on_phone(effects, quote)
    return _personal(quote, disclosure(store.region, language, store.disclosures), effects.now)


def _public(product: Product, why: Why) -> MyPrice:
    return MyPrice(
        sku=product.sku,
        price=product.price,
        public=product.price,
        currency=product.currency,
        personal=False,
        why=why,
        disclosure=None,
        expires_at=None,
        valid_s=0,
        code=None,
    )


def _personal(quote: Quote, said: str, now: datetime) -> MyPrice:
    return MyPrice(
        sku=quote.sku,
        price=quote.price,
        public=quote.public,
        currency=quote.currency,
        personal=True,
        why=None,
        disclosure=said,
        expires_at=quote.expires_at,
        valid_s=max(0, int((quote.expires_at - now).total_seconds())),
        code=code_of(quote),
    )


async def zone_of(session: AsyncSession, store: str, sku: str) -> str | None:
    """The zone where a product's label hangs: who scanned it stands there."""
    statement = select(Label.zone).where(Label.store == store, Label.sku == sku, Label.zone.is_not(None))
    return await session.scalar(statement.order_by(Label.id).limit(1))


async def call(effects: Effects, customer: Customer, asked: CallIn) -> CallOut | None:
    """Tell the consultants where the customer stands; None when no visit goes on. LookupError: not in this store."""
    session, store = effects.session, customer.store
    if asked.sku is not None and await product_of(session, store, asked.sku) is None:
        raise LookupError(f"sku: your store has no product {asked.sku!r}")
    if asked.zone is not None and asked.zone not in await zones(session, store):
        raise LookupError(f"zone: your store has no zone {asked.zone!r}")
    visit = await visit_now(session, customer, effects.now)
    if visit is None:
        return None
    zone = asked.zone or (await zone_of(session, store, asked.sku) if asked.sku else None)
    alert = await alerts.call(effects, store, customer.subject, visit.id, zone, asked.sku)
    return _call(alert)


async def call_state(session: AsyncSession, customer: Customer, now: datetime) -> CallOut:
    """Whether somebody was called and is on the way."""
    visit = await visit_now(session, customer, now)
    alert = await alerts.call_of(session, customer.store, visit.id) if visit else None
    return _call(alert) if alert else CallOut(state="none")


async def call_off(effects: Effects, customer: Customer) -> None:
    """Nobody need come any more."""
    visit = await visit_now(effects.session, customer, effects.now)
    if visit is not None:
        await alerts.call_off(effects, customer.store, visit.id)


def _call(alert: Alert) -> CallOut:
    return CallOut(state="waiting" if alert.state == "open" else "coming", zone=alert.zone, sku=alert.sku)


async def zones(session: AsyncSession, store: str) -> dict[str, dict[str, str]]:
    """Names of a store's zones by id, each by language."""
    found = await catalogue.store(session, store)
    return {zone.id: zone.name for zone in found.zones} if found else {}


async def history(session: AsyncSession, subject: str) -> History:
    """Visits and looks, newest first."""
    visits = select(Visit).where(Visit.subject == subject).order_by(Visit.first_seen_at.desc()).limit(MOST)
    looks = (
        select(ProfileRead)
        .where(ProfileRead.subject == subject, ProfileRead.reader != "customer")
        .order_by(ProfileRead.id.desc())
        .limit(MOST)
    )
    return History(
        visits=[
            MyVisit(started_at=row.started_at or row.first_seen_at, ended_at=row.ended_at, method=row.method)
            for row in (await session.scalars(visits)).all()
        ],
        looked=[Looked(at=row.at, reader=row.reader, place=row.place) for row in (await session.scalars(looks)).all()],
    )
