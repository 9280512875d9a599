"""Rights of customers as administrators serve them, receipts, and the audit of profile reads."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import JSONResponse, Response
from sqlalchemy import select

from central.privacy import erasing, packing, rights
from central.privacy.audit import note_reads, verify_reads
from central.privacy.schemas import ChainsOut, ExportOut, ReadOut, Receipt
from central.privacy.service import verify_chain
from central.privacy.tables import ProfileRead
from central.profiles.tables import Customer
from central.runtime import Runtime, RuntimeDep
from central.staff.access import AdminDep, Principal
from contract.values import Name

router = APIRouter(prefix="/api/v1", tags=["privacy"])
CustomerId = Annotated[str, Path(min_length=1, max_length=64)]
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Not logged in"},
    403: {"description": "Not an administrator, or the CSRF token is missing"},
    404: {"description": "Not there, or another store's"},
}
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    **_ERRORS,
    200: {"model": ExportOut, "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
}


@router.get("/customers/{customer_id}/export", summary="Everything kept about a customer", responses=_FILE)
async def export(
    runtime: RuntimeDep,
    principal: AdminDep,
    customer_id: CustomerId,
    as_: Annotated[Literal["json", "zip"], Query(alias="as", description="zip: JSON and a page to read")] = "json",
) -> Response:
    """For a person who asked in writing (access, portability). Written to the audit."""
    row = await _customer(runtime, principal, customer_id)
    now = runtime.clock.now()
    async with runtime.db.write() as session:
        await note_reads(session, principal.reader, [customer_id], "export", now)
    async with runtime.db.read() as session:
        whole = await rights.export(session, runtime.vault, runtime.keys, row.subject, now)
    if as_ == "json":
        return JSONResponse(whole, headers={"Content-Disposition": 'attachment; filename="export.json"'})
    headers = {"Content-Disposition": 'attachment; filename="export.zip"'}
    return Response(packing.pack(whole), media_type="application/zip", headers=headers)


@router.post("/customers/{customer_id}/erase", summary="Erase a customer", responses=_ERRORS)
async def erase(runtime: RuntimeDep, principal: AdminDep, customer_id: CustomerId) -> Receipt:
    """For a person who asked in writing. Cannot be undone; the receipt names nobody."""
    row = await _customer(runtime, principal, customer_id)
    async with runtime.change() as effects:
        number = await rights.erase(effects, row.subject, principal.reader)
    await erasing.complete(runtime)
    return await receipt(runtime, number)


@router.get("/erasures/{number}", summary="The receipt of an erasure", responses={404: _ERRORS[404]})
async def receipt(runtime: RuntimeDep, number: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]) -> Receipt:
    """Public for who has the number: after an erasure there is nobody left to log in."""
    found = await erasing.receipt(runtime, number)
    if found is None:
        raise HTTPException(404, "there is no such receipt")
    return found


@router.get("/audit", summary="Who looked at whose profile", responses=_ERRORS)
async def audit(
    runtime: RuntimeDep,
    principal: AdminDep,
    store: Annotated[Name, Query(description="Store")],
    customer: Annotated[str | None, Query(max_length=64, description="Only this one's")] = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**62, description="Number of the last line of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[ReadOut]:
    """Newest first."""
    principal.check_store(store)
    statement = (
        select(ProfileRead, Customer.id)
        .outerjoin(Customer, Customer.subject == ProfileRead.subject)
        .where(ProfileRead.store == store)
        .order_by(ProfileRead.id.desc())
        .limit(limit)
    )
    if customer is not None:
        statement = statement.where(Customer.id == customer)
    if before is not None:
        statement = statement.where(ProfileRead.id < before)
    async with runtime.db.read() as session:
        rows = (await session.execute(statement)).all()
    return [ReadOut(number=row.id, reader=row.reader, customer=who, place=row.place, at=row.at) for row, who in rows]


@router.get("/audit/chains", summary="Whether consents and audit were tampered with", responses=_ERRORS)
async def chains(runtime: RuntimeDep, principal: AdminDep) -> ChainsOut:
    """Reads both chains from the first line to the last."""
    async with runtime.db.read() as session:
        return ChainsOut(consents=await verify_chain(session), reads=await verify_reads(session))


async def _customer(runtime: Runtime, principal: Principal, customer_id: str) -> Customer:
    async with runtime.db.read() as session:
        row = await session.get(Customer, customer_id)
    if row is None or not principal.sees(row.store):
        raise HTTPException(404, f"there is no customer {customer_id!r}")
    return row
