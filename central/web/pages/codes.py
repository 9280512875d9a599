"""One-time codes with which a customer's phone is connected; handed out by staff, shown as a QR code too."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from central.identity import service as identity
from central.pricing.quoting import customer_of
from central.privacy.service import note_reads
from central.profiles import service as profiles
from central.profiles.tables import Customer
from central.web import errors
from central.web.page import Page, PageDep

router = APIRouter(include_in_schema=False)
_KINDS: Final = ("loyalty", "phone", "email")
PLACE: Final = "login code"


@router.get("/codes")
async def show(page: PageDep) -> Response:
    """The form."""
    return errors.not_installed(page.request) or page.show("codes.html", {"code": None, "missed": False})


@router.post("/codes")
async def make(page: PageDep, who: Annotated[str, Form(min_length=1, max_length=200)]) -> Response:
    """A code for the customer of this number. A number of nobody says only that; tries are limited and audited."""
    address = page.request.client.host if page.request.client else ""
    if not page.request.app.state.limiter.allow("codes", page.principal.name, address):
        raise HTTPException(429, "too many tries; wait five minutes")
    runtime = page.runtime
    async with runtime.db.write() as session:
        customer = await customer_by(session, page, who.strip())
        code = await profiles.login_code(session, customer.id, runtime.clock.now()) if customer else None
        if customer is not None:
            await note_reads(session, page.principal.reader, [customer.id], PLACE, runtime.clock.now())
    response = page.show("codes.html", {"code": code, "missed": code is None})
    response.headers["Cache-Control"] = "no-store"
    return response


async def customer_by(session: AsyncSession, page: Page, who: str) -> Customer | None:
    """The customer of this store by their number, loyalty card, phone or e-mail."""
    row = await session.get(Customer, who) if len(who) <= 64 and who.isprintable() else None
    if row is not None and row.store == page.store.id:
        return row
    for kind in _KINDS:
        subject = await identity.resolve(session, page.runtime.keys, page.store.id, kind, who)
        found = await customer_of(session, subject)
        if found is not None and found.store == page.store.id:
            return found
    return None
