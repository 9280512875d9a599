"""For the site's server: what changed, and one customer whole."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from sqlalchemy import select

from central.baskets.routes import SiteDep
from central.privacy.service import note_reads
from central.profiles.tables import Customer
from central.runtime import Runtime, RuntimeDep
from central.staff.access import Principal
from central.webhooks import messages, service
from central.webhooks.changes import Kind
from central.webhooks.schemas import ChangesOut, MessageOut, Summary

router = APIRouter(prefix="/api/v1/site", tags=["back to the site"])
CustomerPath = Annotated[str, Path(min_length=1, max_length=64)]
Cursor = Annotated[
    str | None, Query(pattern=r"^\d{1,18}$", description="`next` of the page before; none: all there is.")
]
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "No token, or one that is not known"},
    403: {"description": "A token of another kind of machine"},
    404: {"description": "No such customer in the token's store"},
}


@router.get(
    "/changes", summary="What the site is to know, oldest first", responses={k: REFUSALS[k] for k in (401, 403)}
)
async def changes(
    runtime: RuntimeDep,
    principal: SiteDep,
    after: Cursor = None,
    kind: Annotated[list[Kind], Query(description="Only these kinds.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ChangesOut:
    """The same contents as webhooks carry, kept for 30 days. Of the store of the token."""
    assert principal.store is not None
    async with runtime.db.read() as session:
        return await service.changes(session, runtime.vault, principal.store, int(after or 0), kind, limit)


@router.get("/customers/{customer}/summary", summary="One customer, as the site may know them", responses=REFUSALS)
async def summary(runtime: RuntimeDep, principal: SiteDep, customer: CustomerPath) -> Summary:
    """Visits, models tried with opinions, recommendations, prices still valid, offers, predictions. Audited."""
    row = await own_customer(runtime, principal, customer, "site/summary")
    async with runtime.db.read() as session:
        return await service.summary(session, runtime.vault, row, runtime.clock.now())


@router.get(
    "/customers/{customer}/message",
    summary="What to write to a customer after a visit",
    responses={**REFUSALS, 409: {"description": "The customer has not agreed to a profile: there is nothing to write"}},
)
async def message(
    runtime: RuntimeDep,
    principal: SiteDep,
    customer: CustomerPath,
    language: Annotated[Literal["en", "ru"] | None, Query(description="The customer's own, unless named")] = None,
) -> MessageOut:
    """Subject, text and HTML from the store's template. Audited. Whether it may be sent is the site's to know."""
    row = await own_customer(runtime, principal, customer, "site/message")
    try:
        async with runtime.db.read() as session:
            found = await messages.message(session, runtime.vault, row, runtime.clock.now(), language)
    except messages.TemplateMistakeError as error:
        raise HTTPException(409, f"the template cannot be filled in: {error}") from None
    if found is None:
        raise HTTPException(409, "the customer has not agreed to a profile")
    return found


async def own_customer(runtime: Runtime, principal: Principal, customer: str, place: str) -> Customer:
    """A customer of the token's store, and a line in the audit. 404."""
    async with runtime.db.write() as session:
        statement = select(Customer).where(Customer.id == customer, Customer.store == principal.store)
        row = (await session.scalars(statement)).one_or_none()
        if row is None:
            raise HTTPException(404, f"there is no customer {customer!r}")
        await note_reads(session, principal.reader, [row.id], place, runtime.clock.now())
    return row
