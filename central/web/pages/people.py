"""Who a customer is to us: identifiers with what they stand on, who looked, and what they ask for in writing.

Managers mend links; export, erasure and the audit are for administrators. A number that was typed stands in no address
and in no log: it leads to the customer's own page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from fastapi import APIRouter, Form, HTTPException, Path, Query
from fastapi.responses import RedirectResponse
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from central.identity import reading
from central.identity import service as identity
from central.identity.service import Seen
from central.identity.tables import IdentityLink
from central.privacy import erasing, rights
from central.privacy.audit import note_reads, verify_reads
from central.privacy.service import verify_chain
from central.privacy.tables import Erasure, ProfileRead
from central.profiles import service as profiles
from central.profiles.tables import Customer
from central.web import errors
from central.web.page import Page, PageDep
from central.web.pages.codes import customer_by

router = APIRouter(include_in_schema=False)
PLACE: Final = "people"
SHARED: Final = 50
LINES: Final = 40
CustomerId = Annotated[str, Path(min_length=1, max_length=64)]
LinkId = Annotated[int, Path(ge=1, le=2**62)]
LinkKind = Annotated[str, Form(pattern="^(loyalty|email|phone)$")]


def _moment(page: Page) -> Callable[..., str]:
    zone = ZoneInfo(page.store.timezone)

    def moment(at: datetime, pattern: str = "d MMM y, HH:mm") -> str:
        return str(format_datetime(at.astimezone(zone), pattern, locale=page.language))

    return moment


@router.get("/people")
async def show(page: PageDep, receipt: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None) -> Response:
    """Looking somebody up; identifiers of several people; for administrators the audit."""
    page.need("manager")
    return errors.not_installed(page.request) or await _list(page, receipt=receipt)


async def _list(page: Page, *, missed: bool = False, receipt: str | None = None) -> Response:
    async with page.runtime.db.read() as session:
        shared = [
            (await reading.out(session, link), await _id_of(session, link.subject))
            for link in await reading.shared(session, page.store.id, SHARED)
        ]
        looks = await _looks(session, page.store.id, None, None) if page.principal.may("admin") else []
    values = {"shared": shared, "looks": looks, "missed": missed, "receipt": receipt, "moment": _moment(page)}
    return page.show("people.html", {**values, "more": len(looks) == LINES})


async def _id_of(session: AsyncSession, subject: str) -> str | None:
    found: str | None = await session.scalar(select(Customer.id).where(Customer.subject == subject))
    return found


@router.post("/people")
async def find(page: PageDep, who: Annotated[str, Form(min_length=1, max_length=200)]) -> Response:
    """To the page of the customer of this number. A number of nobody says only that; tries are limited."""
    page.need("manager")
    address = page.request.client.host if page.request.client else ""
    if not page.request.app.state.limiter.allow(PLACE, page.principal.name, address):
        raise HTTPException(429, "too many tries; wait five minutes")
    async with page.runtime.db.read() as session:
        customer = await customer_by(session, page, who.strip())
    return _to(page, customer.id) if customer else await _list(page, missed=True)


def _to(page: Page, customer: str) -> RedirectResponse:
    return RedirectResponse(page.request.url_for("person", customer_id=customer).path, 303)


@router.get("/people/audit")
async def audit(
    page: PageDep,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    customer: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """More of the audit, for htmx."""
    page.need("admin")
    async with page.runtime.db.read() as session:
        looks = await _looks(session, page.store.id, customer, before)
    values = {"looks": looks, "customer": customer, "moment": _moment(page), "more": len(looks) == LINES}
    return page.show("people_looks.html", values)


@router.get("/people/chains")
async def chains(page: PageDep) -> Response:
    """Whether consents and audit are as they were written; reads them from the first line to the last."""
    page.need("admin")
    async with page.runtime.db.read() as session:
        values = {"consents": await verify_chain(session), "reads": await verify_reads(session)}
        waiting = await session.scalar(select(func.count()).select_from(Erasure).where(Erasure.state != rights.DONE))
    return page.show("people_chains.html", {**values, "waiting": waiting or 0})


async def _looks(
    session: AsyncSession, store: str, customer: str | None, before: int | None
) -> list[tuple[ProfileRead, str | None]]:
    statement = (
        select(ProfileRead, Customer.id)
        .outerjoin(Customer, Customer.subject == ProfileRead.subject)
        .where(ProfileRead.store == store)
    )
    if customer is not None:
        statement = statement.where(Customer.id == customer)
    if before is not None:
        statement = statement.where(ProfileRead.id < before)
    rows = (await session.execute(statement.order_by(ProfileRead.id.desc()).limit(LINES))).all()
    return [(row, who) for row, who in rows]


@router.get("/people/{customer_id}", name="person")
async def person(page: PageDep, customer_id: CustomerId) -> Response:
    """One customer: what they are known by, what they allow, who looked."""
    page.need("manager")
    return errors.not_installed(page.request) or await _person(page, customer_id)


async def _person(page: Page, customer_id: str, why: str = "") -> Response:
    runtime = page.runtime
    async with runtime.db.write() as session:
        row = await _customer(session, page, customer_id)
        await note_reads(session, page.principal.reader, [customer_id], PLACE, runtime.clock.now())
        found = await profiles.customer(session, runtime.vault, customer_id)
        links = await reading.of_subject(session, row.subject)
        looks = await _looks(session, page.store.id, customer_id, None)
    values = {"person": found, "links": links, "looks": looks, "customer": customer_id, "why": why}
    return page.show("person.html", {**values, "moment": _moment(page), "more": len(looks) == LINES})


async def _customer(session: AsyncSession, page: Page, customer_id: str) -> Customer:
    row = await session.get(Customer, customer_id)
    if row is None or row.store != page.store.id:
        raise HTTPException(404, "no such customer")
    return row


@router.post("/people/{customer_id}/links")
async def link(
    page: PageDep, customer_id: CustomerId, kind: LinkKind, value: Annotated[str, Form(max_length=200)]
) -> Response:
    """An identifier staff saw with their own eyes."""
    page.need("manager")
    async with page.runtime.change() as effects:
        row = await _customer(effects.session, page, customer_id)
        seen = Seen("seen by staff", effects.now, "staff", page.principal.reader)
        made = await identity.link(effects, row.store, kind, value, row.subject, seen)  # type: ignore[arg-type]
    return _to(page, customer_id) if made is not None else await _person(page, customer_id, "blocked")


@router.post("/people/{customer_id}/links/{link_id}")
async def change(
    page: PageDep,
    customer_id: CustomerId,
    link_id: LinkId,
    reason: Annotated[str, Form(max_length=60)] = "",
    restore: Annotated[str, Form()] = "",
) -> Response:
    """Take a link back, or the taking back."""
    page.need("manager")
    async with page.runtime.change() as effects:
        row = await _customer(effects.session, page, customer_id)
        found = await effects.session.get(IdentityLink, link_id)
        if found is None or found.subject != row.subject:
            raise HTTPException(404, "no such link")
        if restore:
            await identity.restore(effects, found, page.principal.reader)
        else:
            await identity.undo(effects, found, page.principal.reader, reason.strip() or "not theirs")
    return _to(page, customer_id)


@router.post("/people/{customer_id}/erase")
async def erase(page: PageDep, customer_id: CustomerId, typed: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Erase a customer who asked for it in writing. The customer's number is typed once more: it cannot be undone."""
    page.need("admin")
    if typed.strip() != customer_id:
        return await _person(page, customer_id, "typed")
    async with page.runtime.change() as effects:
        row = await _customer(effects.session, page, customer_id)
        number = await rights.erase(effects, row.subject, page.principal.reader)
    await erasing.complete(page.runtime)
    return RedirectResponse(f"/people?receipt={number}", 303)
