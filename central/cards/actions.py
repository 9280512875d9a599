"""What a consultant does on a card; each deed is noted for the contribution."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts import service as alerts
from central.alerts.tables import Alert
from central.baskets import service as baskets
from central.baskets.schemas import BasketOut
from central.cards.schemas import OpinionBody, Way
from central.cards.service import BY
from central.catalogue.tables import Product
from central.contribution import service as contribution
from central.effects import Effects
from central.identity import service as identity
from central.preferences import service as preferences
from central.preferences.schemas import OpinionIn, OpinionOut
from central.privacy.service import note_reads, purposes_of
from central.profiles.tables import Customer
from central.runtime import Runtime
from central.staff.access import Principal
from central.staff.tables import StaffMember
from central.visits import staffed
from central.visits.service import is_live
from central.visits.tables import Visit

CONSULTANT = "consultant:"


class NobodyError(Exception):
    """The card names nobody, or somebody who keeps their profile private: nothing can be kept about them."""


class UnknownError(Exception):
    """One answer for every number that leads to no customer who may be recognised here."""


class NoColleagueError(Exception):
    """There is no such colleague in this store, or nothing to hand over."""


async def _person(effects: Effects, visit: Visit) -> str:
    if visit.subject is None or not (await purposes_of(effects.session, visit.subject)).get("profile", False):
        raise NobodyError("the card names nobody who agreed to a profile: nothing can be kept about them")
    return visit.subject


async def opine(effects: Effects, visit: Visit, who: str, body: OpinionBody) -> OpinionOut:
    """Write down what they thought. NobodyError, preferences.UnknownSkuError, preferences.NoConsentError."""
    subject = await _person(effects, visit)
    said = {**body.model_dump(), "subject": subject, "store": visit.store, "visit": visit.id, "by": CONSULTANT + who}
    found = await preferences.record(effects, OpinionIn.model_validate(said))
    about = {"subject": subject, "visit": visit.id, "sku": body.sku}
    await contribution.note(effects, "opinion", who, visit.store, str(found.id), **about)
    return found


async def suggest(effects: Effects, visit: Visit, who: str, sku: str) -> None:
    """A product was put before the customer. NobodyError, preferences.UnknownSkuError."""
    subject = await _person(effects, visit)
    if await effects.session.get(Product, (visit.store, sku)) is None:
        raise preferences.UnknownSkuError(f"sku: store {visit.store} has no product {sku!r}")
    reference = f"{visit.id}:{sku}"[:80]
    about = {"subject": subject, "visit": visit.id, "sku": sku}
    await contribution.note(effects, "suggested", who, visit.store, reference, **about)


async def put(effects: Effects, visit: Visit, who: str, sku: str, quantity: int) -> BasketOut:
    """Into the customer's basket. NobodyError and what baskets.put raises."""
    subject = await _person(effects, visit)
    return await baskets.put(effects, visit.store, subject, sku, quantity, CONSULTANT + who, visit.id)


async def finish_later(effects: Effects, visit: Visit) -> BasketOut | None:
    """The basket is to be finished on the site; None: there is none. NobodyError."""
    return await baskets.finish(effects, visit.store, await _person(effects, visit))


async def colleagues(session: AsyncSession, store: str, me: str) -> list[str]:
    """To whom a guest can be handed over."""
    here = or_(StaffMember.store == store, StaffMember.store.is_(None))
    statement = select(StaffMember.name).where(StaffMember.active, here, StaffMember.name != me)
    return list((await session.scalars(statement.order_by(StaffMember.name))).all())


async def hand_over(effects: Effects, visit: Visit, principal: Principal, to: str) -> None:
    """All that is open of this visit goes to a colleague. NoColleagueError, alerts.ClaimedError."""
    if to not in await colleagues(effects.session, visit.store, principal.name):
        raise NoColleagueError(f"to: {to!r} does not work in this store")
    mine = select(Alert).where(Alert.store == visit.store, Alert.visit == visit.id, Alert.state.in_(alerts.ACTIVE))
    rows = (await effects.session.scalars(mine.order_by(Alert.id))).all()
    held = [row for row in rows if row.claimed_by is not None] or list(rows)
    if not held:
        raise NoColleagueError("this visit has no card to hand over")
    for row in held:
        await alerts.hand_over(effects, row, principal.name, to, force=principal.may("manager"))


async def authorise(runtime: Runtime, principal: Principal, store: str, by: Way, value: str, visit: str | None) -> str:
    """Recognise the customer who showed a card or told a number; the visit. UnknownError, staffed.TakenError.

    Unknown, shared and blocked numbers, and people who do not want to be recognised, all get the same answer.
    """
    async with runtime.change() as effects:
        subject = await identity.resolve(effects.session, effects.keys, store, by, value)
        customer = await _customer(effects.session, store, subject)
        if customer is None or not (await purposes_of(effects.session, customer.subject)).get("identify", False):
            raise UnknownError("no customer can be recognised by this here")
        method: Literal["loyalty", "staff"] = "loyalty" if by == "loyalty" else "staff"
        row = await staffed.identified(effects, store, customer.subject, method, BY + principal.name, visit)
        about = {"subject": customer.subject, "visit": row.id}
        await contribution.note(effects, "authorised", principal.name, store, row.id, **about)
        await note_reads(effects.session, principal.reader, [customer.id], f"authorised by {by}", effects.now)
        found = row.id
    await _take(runtime, store, found, principal.name)
    return found


async def _customer(session: AsyncSession, store: str, subject: str | None) -> Customer | None:
    statement = select(Customer).where(Customer.subject == subject, Customer.store == store)
    return (await session.scalars(statement)).one_or_none() if subject is not None else None


async def _take(runtime: Runtime, store: str, visit: str, who: str) -> None:
    """Who recognised the guest is with them: their card, if they allow one, need not be taken by hand."""
    async with runtime.change() as effects:
        open_card = select(Alert).where(Alert.store == store, Alert.visit == visit, Alert.state == "open")
        for alert in (await effects.session.scalars(open_card)).all():
            await alerts.claim(effects, alert, who)


async def unauthorise(effects: Effects, visit: Visit) -> bool:
    """It was somebody else: as if the number had not been told. False when nobody was recognised by one."""
    if not await staffed.undo(effects, visit, BY):
        return False
    await contribution.undo(effects, "authorised", visit.store, visit.id)
    return True


def leave(effects: Effects, visit: Visit) -> bool:
    """A visitor whom no camera sees has gone; False for a visit that ends by itself."""
    if visit.node != staffed.NODE or not is_live(visit, effects.now):
        return False
    staffed.end(effects, visit)
    return True
