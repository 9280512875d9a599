"""Who may ask about whose taste."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.privacy.service import note_reads
from central.profiles.tables import Customer
from central.runtime import Runtime, RuntimeDep
from central.staff.access import Principal, check_csrf, customer_of, machine_of, staff_of


async def _asker(request: Request, runtime: RuntimeDep) -> Principal:
    """A site's token, a member of staff, or a customer about themselves."""
    machine = await machine_of(request, runtime)
    if machine is not None:
        if machine.role != "site":
            raise HTTPException(403, f"a {machine.role} token may not do this")
        return machine
    principal = await staff_of(request, runtime) or await customer_of(request, runtime)
    if principal is None:
        raise HTTPException(401, "log in first")
    await check_csrf(request, principal)
    return principal


AskerDep = Annotated[Principal, Depends(_asker)]


async def subject_for(session: AsyncSession, principal: Principal, store: str, wanted: str | None) -> str | None:
    """Whose taste counts. A customer's own, whatever was asked; else the named one, if of this store (404)."""
    if principal.kind == "customer":
        if wanted is not None and wanted != principal.subject:
            raise HTTPException(404, "there is no such customer")
        return principal.subject
    if wanted is not None and await _customer(session, store, wanted) is None:
        raise HTTPException(404, "there is no such customer")
    return wanted


async def _customer(session: AsyncSession, store: str, subject: str) -> str | None:
    statement = select(Customer.id).where(Customer.subject == subject, Customer.store == store)
    return await session.scalar(statement)


async def audit(runtime: Runtime, principal: Principal, store: str, subject: str | None, place: str) -> None:
    """A reading of somebody's profile by another is written down."""
    if subject is None or principal.kind == "customer":
        return
    async with runtime.db.write() as session:
        customer = await _customer(session, store, subject)
        if customer is not None:
            await note_reads(session, principal.reader, [customer], place, runtime.clock.now())
