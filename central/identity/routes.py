"""Links for managers: what a customer is known by, on what evidence, and taking it back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query

from central.effects import Effects
from central.identity import reading, service
from central.identity.schemas import IdentityOut, LinkIn, LinkOut, UndoIn
from central.identity.service import Seen
from central.identity.tables import IdentityLink
from central.privacy.service import note_reads
from central.profiles.tables import Customer
from central.runtime import Runtime, RuntimeDep
from central.staff.access import ManagerDep, Principal
from contract.values import Name

router = APIRouter(prefix="/api/v1", tags=["identity"])
CustomerId = Annotated[str, Path(min_length=1, max_length=64)]
LinkId = Annotated[int, Path(ge=1, le=2**62)]
_NOT_THERE: dict[int | str, dict[str, Any]] = {404: {"description": "Not there, or another store's"}}


@router.get("/customers/{customer_id}/identity", summary="What a customer is known by", responses=_NOT_THERE)
async def identity(runtime: RuntimeDep, principal: ManagerDep, customer_id: CustomerId) -> IdentityOut:
    """Identifiers as fingerprints, with evidence. Every read is written to the audit."""
    row = await _customer(runtime, principal, customer_id)
    async with runtime.db.write() as session:
        await note_reads(session, principal.reader, [customer_id], "customers/identity", runtime.clock.now())
        links = await reading.of_subject(session, row.subject)
    return IdentityOut(customer=customer_id, links=links)


@router.post("/customers/{customer_id}/identity", summary="Link a card, e-mail or phone seen", responses=_NOT_THERE)
async def link(runtime: RuntimeDep, principal: ManagerDep, customer_id: CustomerId, body: LinkIn) -> LinkOut:
    """For staff who saw the card or the document; a value known of somebody else becomes shared."""
    row = await _customer(runtime, principal, customer_id)
    async with runtime.change() as effects:
        seen = Seen("seen by staff", effects.now, "staff", principal.reader)
        made = await service.link(effects, row.store, body.kind, body.value, row.subject, seen)
        if made is None:
            raise HTTPException(422, f"value: not a {body.kind}, or a placeholder")
        return await reading.out(effects.session, made)


@router.get("/identity/shared", summary="Identifiers of several people", responses=_NOT_THERE)
async def shared(
    runtime: RuntimeDep,
    principal: ManagerDep,
    store: Annotated[Name, Query()],
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[LinkOut]:
    """They name nobody until staff undo a link: a tablet in the shop, a family's account."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return [await reading.out(session, link) for link in await reading.shared(session, store, limit)]


@router.post("/identity/links/{link_id}/undo", summary="Take a link back", responses=_NOT_THERE)
async def undo(runtime: RuntimeDep, principal: ManagerDep, link_id: LinkId, body: UndoIn) -> LinkOut:
    """Timeline and interests are at once as if it had never been; later evidence does not renew it."""
    async with runtime.change() as effects:
        row = await _link(effects, principal, link_id)
        await service.undo(effects, row, principal.reader, body.reason)
        return await reading.out(effects.session, row)


@router.post("/identity/links/{link_id}/restore", summary="Take an undoing back", responses=_NOT_THERE)
async def restore(runtime: RuntimeDep, principal: ManagerDep, link_id: LinkId) -> LinkOut:
    """The link counts again, under the same limits."""
    async with runtime.change() as effects:
        row = await _link(effects, principal, link_id)
        await service.restore(effects, row, principal.reader)
        return await reading.out(effects.session, row)


async def _customer(runtime: Runtime, principal: Principal, customer_id: str) -> Customer:
    async with runtime.db.read() as session:
        row = await session.get(Customer, customer_id)
    if row is None or not principal.sees(row.store):
        raise HTTPException(404, f"there is no customer {customer_id!r}")
    return row


async def _link(effects: Effects, principal: Principal, link_id: int) -> IdentityLink:
    row = await effects.session.get(IdentityLink, link_id)
    if row is None or not principal.sees(row.store):
        raise HTTPException(404, f"there is no link {link_id}")
    return row
