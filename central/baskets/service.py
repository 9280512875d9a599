"""Baskets: changed by the customer or a consultant, finished later on the site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.baskets.schemas import BasketOut, LineOut, SiteBasket, SiteBaskets, SiteLine, State
from central.baskets.tables import Basket
from central.catalogue import products
from central.catalogue.tables import Product, Store
from central.contribution import service as contribution
from central.effects import Effects
from central.privacy.service import purposes_of, purposes_of_many
from central.privacy.vault import Erased, Vault
from central.profiles.tables import Customer

MOST_LINES = 50
SETTLED = timedelta(seconds=2)
CUSTOMER = "customer"
_CONSULTANT = "consultant:"


class UnknownSkuError(Exception):
    """The store has no such product."""


class FullError(Exception):
    """Too many lines."""


class NoConsentError(Exception):
    """A consultant may keep nothing for somebody who did not agree to a profile."""


class _Line(BaseModel):
    sku: str
    quantity: int
    by: str
    at: datetime | None = None
    """When it was put in, or its quantity changed."""
    visit: str | None = None


class _Taken(BaseModel):
    """What a sale took out: it comes back when the sale is voided."""

    sale: str
    line: _Line


class _Content(BaseModel):
    lines: list[_Line] = []
    taken: list[_Taken] = []


async def put(
    effects: Effects, store: str, subject: str, sku: str, quantity: int, by: str, visit: str | None = None
) -> BasketOut:
    """Let `quantity` of an article lie in the basket (0: none). `by`: "customer" or "consultant:NAME".

    A basket that was to be finished later is open again. UnknownSkuError, FullError, NoConsentError.
    """
    if by != CUSTOMER and not (await purposes_of(effects.session, subject)).get("profile", False):
        raise NoConsentError("the customer has not agreed to a profile: nothing can be kept about them")
    if quantity and await effects.session.get(Product, (store, sku)) is None:
        raise UnknownSkuError(f"sku: store {store} has no product {sku!r}")
    row = await _row(effects.session, store, subject)
    content = _content(effects.vault, row) if row else _Content()
    lines = content.lines
    kept = [line for line in lines if line.sku != sku]
    mine = next((line for line in lines if line.sku == sku), None)
    if quantity:
        line = _Line(sku=sku, quantity=quantity, by=mine.by if mine else by, at=effects.now, visit=visit)
        kept.insert(lines.index(mine) if mine else len(kept), line)
    if len(kept) > MOST_LINES:
        raise FullError(f"a basket holds {MOST_LINES} lines")
    row = await _write(effects, row, store, subject, content.model_copy(update={"lines": kept}))
    row.visit = visit or row.visit
    await _tell(effects, row, sku, by, placed=quantity > 0 and mine is None, gone=quantity == 0)
    return await _out(effects.session, effects.vault, row, effects.now)


async def _write(effects: Effects, row: Basket | None, store: str, subject: str, content: _Content) -> Basket:
    try:
        sealed = effects.vault.seal(subject, content.model_dump(mode="json"))
    except Erased:
        raise NoConsentError("the customer's data was erased") from None
    if row is None:
        row = Basket(store=store, subject=subject, created_at=effects.now, sealed=sealed)
        effects.session.add(row)
    row.state, row.updated_at, row.sealed = "open", _later(row, effects.now), sealed
    await effects.session.flush()
    return row


def _later(row: Basket, now: datetime) -> datetime:
    """Every change has a time of its own: cursors go by it."""
    return max(now, row.updated_at + timedelta(milliseconds=1)) if row.updated_at else now


async def _tell(effects: Effects, row: Basket, sku: str, by: str, *, placed: bool, gone: bool) -> None:
    """Who put an article into a basket contributed to its sale."""
    reference = f"{row.id}:{sku}"[:80]
    if placed and by.startswith(_CONSULTANT):
        who = by.removeprefix(_CONSULTANT)
        about = {"subject": row.subject, "visit": row.visit, "sku": sku}
        await contribution.note(effects, "basket", who, row.store, reference, **about)
    elif gone:
        await contribution.undo(effects, "basket", row.store, reference)


async def finish(effects: Effects, store: str, subject: str, state: State = "later") -> BasketOut | None:
    """To be finished on the site (or open again); None when there is no basket."""
    row = await _row(effects.session, store, subject)
    if row is None:
        return None
    row.state, row.updated_at = state, _later(row, effects.now)
    await effects.session.flush()
    return await _out(effects.session, effects.vault, row, effects.now)


async def bought(
    effects: Effects, store: str, subject: str, pieces: Mapping[str, int], at: datetime, sale: str
) -> None:
    """What was bought lies in the basket no more; who put it there keeps their part in the sale.

    What was put in after the purchase stays: news of it may come late.
    """
    row = await _row(effects.session, store, subject)
    before = _content(effects.vault, row) if row is not None else _Content()
    taken = [_Taken(sale=sale, line=line) for line in _out_of(before.lines, pieces, at)]
    if row is None or not taken:
        return
    gone = {one.line.sku: one.line.quantity for one in taken}
    left = [line.model_copy(update={"quantity": line.quantity - gone.get(line.sku, 0)}) for line in before.lines]
    kept = [line for line in left if line.quantity > 0]
    state = row.state if kept else "open"
    row = await _write(effects, row, store, subject, _Content(lines=kept, taken=[*before.taken, *taken][-MOST_LINES:]))
    row.state = state


def _out_of(lines: Sequence[_Line], pieces: Mapping[str, int], at: datetime) -> Iterator[_Line]:
    for line in lines:
        count = min(line.quantity, pieces.get(line.sku, 0))
        if count and (line.at is None or line.at <= at):
            yield line.model_copy(update={"quantity": count})


async def returned(effects: Effects, store: str, subject: str, sku: str, sale: str) -> None:
    """The line of a sale was voided: what it took out lies in the basket again, nothing more.

    What a consultant had put in comes back only while the customer agrees to a profile.
    """
    row = await _row(effects.session, store, subject)
    before = _content(effects.vault, row) if row is not None else _Content()
    back = [one.line for one in before.taken if (one.sale, one.line.sku) == (sale, sku)]
    if not (await purposes_of(effects.session, subject)).get("profile", False):
        back = [line for line in back if line.by == CUSTOMER]
    if row is None or not back:
        return
    taken = [one for one in before.taken if (one.sale, one.line.sku) != (sale, sku)]
    kept = list(before.lines)
    for line in back:
        mine = next((index for index, other in enumerate(kept) if other.sku == sku), None)
        if mine is None:
            kept.append(line)
        else:
            kept[mine] = kept[mine].model_copy(update={"quantity": kept[mine].quantity + line.quantity})
    state = row.state
    row = await _write(effects, row, store, subject, _Content(lines=kept, taken=taken))
    row.state = state


async def withdrawn(effects: Effects, store: str, subject: str, visit: str) -> None:
    """The visit was somebody else's: what a consultant put in during it was not for this person."""
    row = await _row(effects.session, store, subject)
    before = _content(effects.vault, row) if row is not None else _Content()
    lines = [line for line in before.lines if not _by_a_consultant_in(line, visit)]
    taken = [one for one in before.taken if not _by_a_consultant_in(one.line, visit)]
    after = _Content(lines=lines, taken=taken)
    if row is not None and after != before:
        state = row.state
        row = await _write(effects, row, store, subject, after)
        row.state = state if lines else "open"


def _by_a_consultant_in(line: _Line, visit: str) -> bool:
    return line.visit == visit and line.by != CUSTOMER


async def of_subject(
    session: AsyncSession, vault: Vault, subject: str, now: datetime, store: str | None = None
) -> list[BasketOut]:
    """Baskets with something in them, the last touched first. Whether the reader may see them is theirs to ask."""
    statement = select(Basket).where(Basket.subject == subject).order_by(Basket.updated_at.desc())
    if store is not None:
        statement = statement.where(Basket.store == store)
    found = [await _out(session, vault, row, now) for row in (await session.scalars(statement)).all()]
    return [basket for basket in found if basket.lines]


async def for_site(
    session: AsyncSession, vault: Vault, store: str, after: str | None, limit: int, now: datetime
) -> SiteBaskets:
    """Baskets of this store that changed after the cursor, oldest first, of customers who agreed to a profile.

    The last seconds are held back: a change that is committed late must not lie behind a cursor already given out.
    """
    settled = Basket.updated_at < now - SETTLED
    statement = select(Basket).where(Basket.store == store, settled).order_by(Basket.updated_at, Basket.id).limit(limit)
    place = _cursor(after)
    if place is not None:
        at, number = place
        later = (Basket.updated_at > at) | ((Basket.updated_at == at) & (Basket.id > number))
        statement = statement.where(later)
    rows = (await session.scalars(statement)).all()
    subjects = [row.subject for row in rows]
    purposes = await purposes_of_many(session, subjects)
    customers = select(Customer.subject, Customer.id).where(Customer.subject.in_(subjects), Customer.store == store)
    names = {row.subject: row.id for row in (await session.execute(customers)).all()}
    allowed = [row for row in rows if row.subject in names and purposes.get(row.subject, {}).get("profile", False)]
    return SiteBaskets(
        baskets=[_for_site(vault, row, names[row.subject]) for row in allowed],
        next=f"{round(rows[-1].updated_at.timestamp() * 1000)}-{rows[-1].id}" if rows else after,
    )


def _for_site(vault: Vault, row: Basket, customer: str) -> SiteBasket:
    lines = [SiteLine(sku=line.sku, quantity=line.quantity) for line in _content(vault, row).lines]
    return SiteBasket.model_validate(
        {"customer": customer, "state": row.state, "updated_at": row.updated_at, "lines": lines}
    )


def _cursor(after: str | None) -> tuple[datetime, int] | None:
    """ValueError for one that is not ours."""
    if after is None:
        return None
    at, _, number = after.partition("-")
    return datetime.fromtimestamp(int(at) / 1000, UTC), int(number)


async def _row(session: AsyncSession, store: str, subject: str) -> Basket | None:
    statement = select(Basket).where(Basket.store == store, Basket.subject == subject)
    return (await session.scalars(statement)).one_or_none()


def _content(vault: Vault, row: Basket) -> _Content:
    try:
        return _Content.model_validate(vault.open(row.subject, row.sealed))
    except ValidationError:  # the key is gone
        return _Content()


async def _out(session: AsyncSession, vault: Vault, row: Basket, now: datetime) -> BasketOut:
    lines = _content(vault, row).lines
    store = await session.get(Store, row.store)
    skus = [line.sku for line in lines]
    statement = select(Product).where(Product.store == row.store, Product.sku.in_(skus))
    found: Sequence[Product] = (await session.scalars(statement)).all() if skus else ()
    where = await products.availability(session, found, now) if found else {}
    by_sku = {product.sku: product for product in found}
    outs = []
    for line in lines:
        product = by_sku.get(line.sku)
        outs.append(
            LineOut(
                **line.model_dump(exclude={"at", "visit"}),
                title={key: str(text) for key, text in product.title.items()} if product else {"en": line.sku},
                price=product.price if product else None,
                availability=where.get(line.sku),
            )
        )
    total = sum(line.price * line.quantity for line in outs if line.price is not None)
    return BasketOut.model_validate(
        {
            "store": row.store,
            "state": row.state,
            "updated_at": row.updated_at,
            "currency": store.currency if store else "",
            "lines": outs,
            "total": total,
        }
    )
