"""Cards as the pages see them: with as much of the profile as each person allows at this moment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts.schemas import Article, Card, CardCustomer, Place
from central.alerts.tables import Alert
from central.behaviour import service as behaviour
from central.behaviour.phrases import phrases
from central.behaviour.schemas import Interests
from central.catalogue.tables import Product, Store
from central.privacy.service import purposes_of_many
from central.privacy.vault import Vault
from central.profiles.service import open_profile
from central.profiles.tables import Customer

MOST_LINES = 4
_DRAWN = frozenset({"customer", "interests", "topics", "zone", "article"})


@dataclass(slots=True)
class _Around:
    """What cards are drawn with."""

    customers: dict[str, Customer] = field(default_factory=dict)
    """By subject; only of those who agreed to a profile."""
    interests: dict[str, Interests] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    products: dict[tuple[str, str], Product] = field(default_factory=dict)


async def draw(
    session: AsyncSession, vault: Vault, alerts: Sequence[Alert], now: datetime, language: str | None = None
) -> list[Card]:
    """Cards in this order; lines in `language`, or in the store's own."""
    around = await _gather(session, vault, alerts, now)
    return [_card(vault, alert, around, language) for alert in alerts]


async def _gather(session: AsyncSession, vault: Vault, alerts: Sequence[Alert], now: datetime) -> _Around:
    subjects = {alert.subject for alert in alerts if alert.state != "retracted"}
    purposes = await purposes_of_many(session, subjects)
    allowed = [subject for subject in subjects if purposes.get(subject, {}).get("profile", False)]
    around = _Around()
    if allowed:
        rows = (await session.scalars(select(Customer).where(Customer.subject.in_(allowed)))).all()
        around.customers = {row.subject: row for row in rows}
        for subject in sorted(around.customers):
            around.interests[subject] = await behaviour.interests(session, vault, subject, now)
    if alerts:
        stores = {alert.store for alert in alerts}
        found = (await session.scalars(select(Store).where(Store.id.in_(stores)))).all()
        around.stores = {row.id: row for row in found}
    skus = {alert.sku for alert in alerts if alert.sku}
    if skus:
        about = (await session.scalars(select(Product).where(Product.sku.in_(skus)))).all()
        around.products = {(row.store, row.sku): row for row in about}
    return around


def _card(vault: Vault, alert: Alert, around: _Around, language: str | None) -> Card:
    who, lines, topics = CardCustomer(id=None, name="a guest", language=None, guest=True), list[str](), list[str]()
    customer, store = around.customers.get(alert.subject), around.stores.get(alert.store)
    if customer is not None and alert.state != "retracted":
        known = open_profile(vault, customer)
        who = CardCustomer(id=customer.id, name=known.name, language=customer.language, guest=False)
        seen = around.interests[alert.subject]
        lines = phrases(seen, language or (store.language if store else "en"))[:MOST_LINES] or known.interests
        topics = topics_of(seen) or known.interests
    product = around.products.get((alert.store, alert.sku or ""))
    return Card.model_validate(
        {
            **{name: getattr(alert, name) for name in Card.model_fields if name not in _DRAWN},
            "customer": who,
            "interests": lines,
            "topics": topics,
            "zone": place_of(store, alert.zone),
            "article": Article(sku=product.sku, title=_texts(product.title)) if product else None,
        }
    )


def topics_of(interests: Interests) -> list[str]:
    """Bare names of the categories looked at: the last step of each path, heaviest first."""
    return list(dict.fromkeys(row.name.rpartition("/")[2].strip() for row in interests.categories))


def place_of(store: Store | None, zone: str | None) -> Place | None:
    """A zone of the plan with its names; an unknown one under its own id."""
    if zone is None:
        return None
    zones = store.layout.get("zones", []) if store else []
    for item in zones if isinstance(zones, list) else []:
        if item.get("id") == zone:
            return Place(id=zone, name=_texts(item.get("name") or {"en": zone}))
    return Place(id=zone, name={"en": zone})


def _texts(names: object) -> dict[str, str]:
    items: Collection[tuple[object, object]] = names.items() if isinstance(names, dict) else ()
    return {str(language): str(text) for language, text in items}
