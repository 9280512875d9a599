"""Segment rules of a store, and the segments of one customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from central.catalogue.tables import Store
from central.privacy.service import note_reads
from central.profiles.tables import Customer
from central.rule_files import RuleFileError
from central.runtime import RuntimeDep
from central.segments import service
from central.segments.rules import DEFAULT_TEXT
from central.segments.schemas import CustomerSegmentsOut, SegmentsIn, SegmentsOut
from central.segments.tables import SegmentRuleset
from central.staff.access import ManagerDep, StaffDep
from contract.values import Name

router = APIRouter(prefix="/api/v1", tags=["segments"])
StoreQuery = Annotated[Name, Query(description="A store of yours.")]


@router.get("/segments", summary="The segment rules in force")
async def rules(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery) -> SegmentsOut:
    """As YAML text."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return _out(await service.current(session, store))


@router.put("/segments", summary="Put segment rules in force")
async def put_rules(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery, body: SegmentsIn) -> SegmentsOut:
    """422 names each mistake with its line; then nothing changed."""
    principal.check_store(store)
    try:
        async with runtime.change() as effects:
            if await effects.session.get(Store, store) is None:
                raise HTTPException(404, f"there is no store {store!r}")
            return _out(await service.activate(effects, store, body.text, principal.reader))
    except RuleFileError as error:
        raise HTTPException(422, str(error)) from None


@router.get("/customers/{customer}/segments", summary="The segments of one customer")
async def of_customer(
    runtime: RuntimeDep, principal: StaffDep, customer: Annotated[str, Path(max_length=64)]
) -> CustomerSegmentsOut:
    """Empty without their consent to a profile. Audited."""
    async with runtime.db.write() as session:
        row = await session.get(Customer, customer)
        if row is None or not principal.sees(row.store):
            raise HTTPException(404, f"there is no customer {customer!r}")
        now = runtime.clock.now()
        await note_reads(session, principal.reader, [row.id], "segments", now)
        return CustomerSegmentsOut(customer=row.id, segments=await service.segments_of(session, row.subject, now))


def _out(row: SegmentRuleset | None) -> SegmentsOut:
    if row is None:
        return SegmentsOut(text=DEFAULT_TEXT, activated_by=None, activated_at=None)
    return SegmentsOut(text=row.text, activated_by=row.activated_by, activated_at=row.activated_at)
