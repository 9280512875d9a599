"""Events in for sites and apps; timeline and interests out for staff."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import ValidationError
from pydantic_core import from_json

from central.behaviour import intake, service
from central.behaviour.access import SourceDep
from central.behaviour.schemas import BatchIn, BatchOut, Interests, SourceOut, TimelineEntry
from central.behaviour.sources import of_store
from central.privacy.service import note_reads
from central.profiles.tables import Customer
from central.runtime import Runtime, RuntimeDep
from central.staff.access import Principal, ReaderDep, StaffDep
from contract.values import Name

events_router = APIRouter(prefix="/v1", tags=["site events"])
router = APIRouter(prefix="/api/v1", tags=["site events"])
CustomerId = Annotated[str, Path(min_length=1, max_length=64)]
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": BatchIn.model_json_schema()}}}
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    207: {"model": BatchOut, "description": "Some events were not taken; the others were"},
    401: {"description": "No key, or one that is not known"},
    403: {"description": "A key of another kind of machine"},
    413: {"description": "The body is larger than 1 MB"},
    422: {"description": "Not a batch of events"},
    429: {"description": "Too many events a minute with this key"},
}
_ABROAD = {"Access-Control-Allow-Origin": "*"}
"""A public key is used from the shop's own pages; no cookie is looked at here."""


@events_router.post("/events", summary="Events of a site or app", responses=_REFUSALS, openapi_extra=_BODY)
async def events(request: Request, response: Response, runtime: RuntimeDep, source: SourceDep) -> BatchOut:
    """Up to 1000 events in the e-commerce vocabulary; the same `messageId` of the same source counts once."""
    batch = _read(await request.body())
    if not request.app.state.event_limiter.allow(source, len(batch.batch)):
        raise HTTPException(429, "too many events a minute with this key", {"Retry-After": "60", **_ABROAD})
    out = await intake.take(runtime, source, batch)
    response.headers.update(_ABROAD)
    response.status_code = 207 if out.errors else 200
    return out


@events_router.options("/events", include_in_schema=False)
async def preflight() -> Response:
    """Pages of the shop may ask."""
    allowed = {"Access-Control-Allow-Headers": "authorization, content-type", "Access-Control-Allow-Methods": "POST"}
    return Response(status_code=204, headers={**_ABROAD, **allowed, "Access-Control-Max-Age": "86400"})


def _read(body: bytes) -> BatchIn:
    try:
        return BatchIn.model_validate(from_json(body, allow_inf_nan=False))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in found["loc"]) or "body"
        raise HTTPException(422, f"{place}: {found['msg']}") from None
    except ValueError as error:
        raise HTTPException(422, f"body: not JSON: {str(error)[:100]}") from None


async def _subject(runtime: Runtime, principal: Principal, customer_id: str, place: str) -> str:
    """The customer's subject, once the read is in the audit."""
    async with runtime.db.read() as session:
        row = await session.get(Customer, customer_id)
    if row is None or not principal.sees(row.store):
        raise HTTPException(404, f"there is no customer {customer_id!r}")
    async with runtime.db.write() as session:
        await note_reads(session, principal.reader, [customer_id], place, runtime.clock.now())
    return row.subject


_NOT_THERE: dict[int | str, dict[str, Any]] = {404: {"description": "No such customer in your store"}}


@router.get("/customers/{customer_id}/interests", summary="What the site knows of a customer", responses=_NOT_THERE)
async def interests(runtime: RuntimeDep, principal: StaffDep, customer_id: CustomerId) -> Interests:
    """Empty without consent to a profile. Every read is written to the audit."""
    subject = await _subject(runtime, principal, customer_id, "customers/interests")
    async with runtime.db.read() as session:
        return await service.interests(session, runtime.vault, subject, runtime.clock.now())


@router.get("/customers/{customer_id}/timeline", summary="A customer's events, newest first", responses=_NOT_THERE)
async def timeline(
    runtime: RuntimeDep,
    principal: StaffDep,
    customer_id: CustomerId,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="id of the last entry of the page before")] = None,
) -> list[TimelineEntry]:
    """Empty without consent to a profile. Every read is written to the audit."""
    subject = await _subject(runtime, principal, customer_id, "customers/timeline")
    async with runtime.db.read() as session:
        return await service.timeline(session, runtime.vault, subject, limit, before)


@router.get("/events/sources", summary="How the sources of a store are doing")
async def sources(runtime: RuntimeDep, principal: ReaderDep, store: Annotated[Name, Query()]) -> list[SourceOut]:
    """What came in, and why events were refused. Nothing about anybody."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await of_store(session, store)
