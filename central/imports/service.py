"""Read an import file, check it as a whole, and bring the database in line with it. Idempotent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.parameters import parse as parameter
from central.catalogue.parameters import write
from central.catalogue.tables import Product, Store
from central.catalogue.writing import known_prices, note_prices
from central.database import upsert
from central.effects import Effects
from central.errors import MisconfiguredError
from central.identity import service as identity
from central.identity.rules import KINDS
from central.identity.service import Claim, Seen
from central.imports.plan import Drawn, with_plan
from central.imports.schemas import CustomerIn, ImportIn, LabelIn
from central.labels.service import sync_public
from central.labels.tables import Label
from central.privacy import service as privacy
from central.privacy.tables import ConsentRecord
from central.privacy.vault import Erased
from central.profiles.schemas import ProfileData
from central.profiles.tables import Customer


def read(path: Path, drawn: Drawn | None = None) -> ImportIn:
    """The file as a model, with the places of the plan; MisconfiguredError names file, place and what is wrong."""
    try:
        return parse(path.read_bytes(), path.name, drawn)
    except OSError as error:
        raise MisconfiguredError(f"{path}: cannot be read: {error.strerror}") from None


def parse(text: bytes, name: str, drawn: Drawn | None = None) -> ImportIn:
    """The same for bytes."""
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise MisconfiguredError(f"{name}: not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise MisconfiguredError(f"{name}: not UTF-8 text") from None
    try:
        whole = ImportIn.model_validate(with_plan(body, drawn) if drawn else body)
    except ValidationError as error:
        raise MisconfiguredError(f"{name}: {'; '.join(_places(error))}") from None
    problems = list(_cross_check(whole))
    if problems:
        raise MisconfiguredError(f"{name}: {'; '.join(problems[:5])}")
    return whole


def _places(error: ValidationError) -> Iterator[str]:
    for item in error.errors()[:5]:
        place = ""
        for part in item["loc"]:
            place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
        yield f"{place or 'file'}: {item['msg']}"


def _cross_check(whole: ImportIn) -> Iterator[str]:
    skus = {product.sku for product in whole.products}
    zones = {zone.id for zone in whole.store.zones}
    for place, label in enumerate(whole.store.labels):
        if label.sku not in skus:
            yield f"store.labels[{place}].sku: unknown SKU {label.sku!r}; add it to products"
        if label.zone is not None and label.zone not in zones:
            yield f"store.labels[{place}].zone: unknown zone {label.zone!r}; add it to store.zones"
    for place, product in enumerate(whole.products):
        if product.currency != whole.store.currency:
            yield f"products[{place}].currency: {product.currency}, but the store sells in {whole.store.currency}"
    yield from _doubles("store.labels", "id", [label.id for label in whole.store.labels])
    yield from _doubles("store.zones", "id", [zone.id for zone in whole.store.zones])
    yield from _doubles("products", "sku", [product.sku for product in whole.products])
    yield from _doubles("customers", "id", [customer.id for customer in whole.customers])
    yield from _doubles("customers", "subject", [customer.subject for customer in whole.customers])


def _doubles(where: str, field: str, values: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if value in seen:
            yield f"{where}[{place}].{field}: {value!r} is there twice"
        seen.add(value)


async def apply(effects: Effects, whole: ImportIn) -> dict[str, object]:
    """Write it down and re-send what changed on labels; what was imported, in numbers."""
    session, store = effects.session, whole.store
    layout = store.model_dump(mode="json", include={"plan", "zones", "lines", "cameras"})
    row: dict[str, object] = {
        "id": store.id,
        "name": store.name,
        "region": store.region,
        "currency": store.currency,
        "language": store.language,
        "timezone": store.timezone,
        "layout": layout,
        "pricing": whole.pricing.model_dump(),
        "disclosures": dict(whole.disclosures),
        "imported_at": effects.now,
    }
    await upsert(session, Store, [row], ("id",))
    prices = {product.sku: product.price for product in whole.products}
    await note_prices(effects, store.id, prices, await known_prices(session, store.id, list(prices)))
    await upsert(
        session, Product, [_product(store.id, product.model_dump()) for product in whole.products], ("store", "sku")
    )
    await upsert(session, Label, [_label(store.id, label) for label in store.labels], ("store", "id"))
    kept = [label.id for label in store.labels]
    await session.execute(delete(Label).where(Label.store == store.id, Label.id.not_in(kept)))
    effects.vault.prepare(customer.subject for customer in whole.customers)
    for place, customer in enumerate(whole.customers):
        await _customer(effects, store.id, customer, place)
    await _identify(effects, whole)
    await sync_public(effects, store.id)
    return {
        "store": store.id,
        "products": len(whole.products),
        "labels": len(store.labels),
        "customers": len(whole.customers),
    }


def _product(store: str, product: dict[str, object]) -> dict[str, object]:
    subtitle, parameters = product["subtitle"], product["parameters"]
    assert isinstance(parameters, dict)
    return {
        **product,
        "store": store,
        "subtitle": {"en": subtitle} if isinstance(subtitle, str) else subtitle,
        "parameters": write({name: parameter(value) for name, value in parameters.items()}),
        "available": True,
        # A feed's timed sale ends with this price, and the feed is looked at afresh next time.
        **dict.fromkeys(("digest", "regular_price", "sale_price", "sale_from", "sale_until")),
    }


def _label(store: str, label: LabelIn) -> dict[str, object]:
    x, y = label.position or (None, None)
    fields = label.model_dump(exclude={"position"})
    return {"store": store, **fields, "x": x, "y": y}


async def _customer(effects: Effects, store: str, customer: CustomerIn, place: int) -> None:
    session = effects.session
    other = (await session.scalars(select(Customer).where(Customer.subject == customer.subject))).one_or_none()
    if other is not None and other.id != customer.id:
        raise MisconfiguredError(f"customers[{place}].subject: belongs to customer {other.id!r} already")
    before = await session.get(Customer, customer.id)
    if before is not None and before.store != store:
        raise MisconfiguredError(f"customers[{place}].id: {customer.id!r} belongs to store {before.store!r}")
    if before is not None and before.subject != customer.subject:
        raise MisconfiguredError(f"customers[{place}].subject: a customer's pseudonym cannot be changed by an import")
    try:
        sealed = effects.vault.seal(customer.subject, customer.model_dump(include=set(ProfileData.model_fields)))
    except Erased:
        raise MisconfiguredError(
            f"customers[{place}].subject: erased at their wish; take them out of the file"
        ) from None
    clear = customer.model_dump(exclude={"consents", *ProfileData.model_fields})
    await upsert(session, Customer, [{**clear, "store": store, "sealed": sealed}], ("id",))
    consent = customer.consents
    if consent is None or await _recorded(session, customer):
        return
    await privacy.record(
        effects,
        customer.subject,
        {str(purpose): given for purpose, given in consent.purposes.items()},
        text_version=consent.text_version,
        text_sha256=consent.text_sha256,
        channel=consent.channel,
        given_at=consent.at,
    )


async def _identify(effects: Effects, whole: ImportIn) -> None:
    """What the retailer itself knows its customers by is evidence like a log-in."""
    store, seen = whole.store.id, Seen("import", effects.now, "import", "import")
    known = [(customer.id, customer.subject) for customer in whole.customers]
    await identity.customers_known(effects, store, known, seen)
    claims = []
    for customer in whole.customers:
        for kind in KINDS:
            value = customer.external_ids.get(kind)
            found = identity.identifier(effects.keys, store, kind, value) if value else None
            if found is not None:
                claims.append(Claim(found, customer.subject, seen))
    await identity.claim(effects, claims)


async def _recorded(session: AsyncSession, customer: CustomerIn) -> bool:
    assert customer.consents is not None
    statement = select(ConsentRecord.id).where(
        ConsentRecord.subject == customer.subject, ConsentRecord.given_at == customer.consents.at
    )
    return (await session.scalar(statement.limit(1))) is not None
