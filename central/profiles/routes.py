"""Customers for staff, and the customer's own page."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, HTTPException, Path, Request, Response

from central.errors import RejectedError
from central.privacy import service as privacy
from central.privacy import texts
from central.profiles import codes, service
from central.profiles.schemas import (
    CertificateOut,
    CodeAsked,
    CodeIn,
    CodeOut,
    ConsentsIn,
    ConsentsOut,
    CustomerName,
    CustomerOut,
    MeOut,
    PhoneKeyIn,
)
from central.profiles.tables import Customer
from central.runtime import Runtime, RuntimeDep
from central.staff.access import CUSTOMER_COOKIE, CustomerDep, Principal, StaffDep, same_origin

staff_router = APIRouter(prefix="/api/v1/customers", tags=["profiles"])
me_router = APIRouter(prefix="/api/v1/me", tags=["customer's own page"])
CustomerId = Annotated[str, Path(min_length=1, max_length=64)]
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "Allow recognition first, or read the new text first"}
}


async def _check(runtime: Runtime, principal: Principal, customer_id: str) -> None:
    async with runtime.db.read() as session:
        row = await session.get(Customer, customer_id)
    if row is None or not principal.sees(row.store):
        raise HTTPException(404, f"there is no customer {customer_id!r}")


@staff_router.get("/{customer_id}", summary="One customer, as they allow")
async def customer(runtime: RuntimeDep, principal: StaffDep, customer_id: CustomerId) -> CustomerOut:
    """Every read is written to the audit."""
    await _check(runtime, principal, customer_id)
    async with runtime.db.write() as session:
        await privacy.note_reads(session, principal.reader, [customer_id], "customers", runtime.clock.now())
        found = await service.customer(session, runtime.vault, customer_id)
    assert found is not None
    return found


@staff_router.post("/{customer_id}/login-code", summary="A one-time code for the customer's page")
async def login_code(runtime: RuntimeDep, principal: StaffDep, customer_id: CustomerId) -> CodeOut:
    """Valid once, for a quarter of an hour."""
    await _check(runtime, principal, customer_id)
    async with runtime.db.write() as session:
        code = await service.login_code(session, customer_id, runtime.clock.now())
    assert code is not None
    return code


@me_router.post(
    "/login-code",
    summary="Have a one-time code sent",
    status_code=204,
    responses={422: {"description": "Neither an e-mail address nor a phone number, or none is sent this way here"}},
)
async def send_code(request: Request, runtime: RuntimeDep, body: CodeAsked, later: BackgroundTasks) -> None:
    """To the e-mail address or phone the shop knows of a customer. The answer is the same whether anybody has it."""
    if not same_origin(request):
        raise HTTPException(403, "the request came from another site")
    place = codes.place_of(body.to)
    if place is None or place[0] not in request.app.state.office.ways:
        ways = {"email": "e-mail address", "phone": "phone number"}
        named = " or ".join(ways[way] for way in request.app.state.office.ways)
        raise HTTPException(422, f"to: give the {named} the shop knows" if named else "to: no codes are sent here")
    if not request.app.state.codes.allow(*place, request.client.host if request.client else ""):
        raise HTTPException(429, "too many codes were asked for; wait a quarter of an hour")
    later.add_task(codes.send, runtime, request.app.state.office, *place)


@me_router.post("/login", summary="Log in with a one-time code", status_code=204)
async def log_in(request: Request, runtime: RuntimeDep, body: CodeIn) -> Response:
    """Sets the cookie of the customer's page."""
    if not same_origin(request):
        raise HTTPException(403, "the log-in came from another site")
    address = request.client.host if request.client else ""
    if not request.app.state.limiter.allow("customer", address, address):
        raise HTTPException(429, "too many tries; wait five minutes")
    async with runtime.db.write() as session:
        token = await service.log_in(session, body.code, runtime.clock.now())
    if token is None:
        raise HTTPException(401, "this code is wrong, used or too old; ask for a new one")
    response = Response(status_code=204)
    response.set_cookie(
        CUSTOMER_COOKIE,
        token,
        max_age=int(service.PAGE_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=runtime.settings.secure_cookies,
    )
    return response


@me_router.post("/logout", summary="Log out", status_code=204)
async def log_out(request: Request, runtime: RuntimeDep, me: CustomerDep) -> Response:
    """Ends the session on the server."""
    async with runtime.db.write() as session:
        await service.log_out(session, request.cookies.get(CUSTOMER_COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(CUSTOMER_COOKIE)
    return response


@me_router.get("", summary="Who I am here")
async def me(runtime: RuntimeDep, me: CustomerDep) -> MeOut:
    """Name, language, and the CSRF token for changes."""
    async with runtime.db.read() as session:
        row = await session.get(Customer, me.id)
    assert row is not None
    name = service.open_profile(runtime.vault, row).name
    return MeOut(customer=CustomerName(id=row.id, name=name, language=row.language), csrf=me.csrf)


@me_router.post("/phone-key", summary="Certify the phone's key for check-in codes", responses=_CONFLICT)
async def phone_key(runtime: RuntimeDep, me: CustomerDep, body: PhoneKeyIn) -> CertificateOut:
    """The edge verifies the certificate without asking central."""
    async with runtime.db.read() as session:
        purposes = await privacy.purposes_of(session, me.subject)
    if not purposes.get("identify", False):
        raise HTTPException(409, "purposes.identify: allow recognition first; a check-in tells the shop who you are")
    try:
        return service.certify(runtime.keys, me.subject or "", body.public_key, runtime.clock.now())
    except RejectedError as error:
        raise HTTPException(422, str(error)) from None


@me_router.get("/consents", summary="What I allow")
async def consents(runtime: RuntimeDep, me: CustomerDep) -> ConsentsOut:
    """Purpose by purpose, with the text in force."""
    async with runtime.db.read() as session:
        return await service.consents(session, me.subject or "")


@me_router.put("/consents", summary="Change what I allow", responses=_CONFLICT)
async def change_consents(runtime: RuntimeDep, me: CustomerDep, body: ConsentsIn) -> ConsentsOut:
    """Chained, and carried out at once: on open cards, labels, and every node that holds a template."""
    if (body.text_version, body.text_sha256) != (texts.VERSION, texts.SHA256):
        raise HTTPException(409, "text_version, text_sha256: the text has changed; load the page again")
    async with runtime.change() as effects:
        await privacy.record(
            effects,
            me.subject or "",
            {str(purpose): given for purpose, given in body.purposes.items()},
            text_version=body.text_version,
            text_sha256=body.text_sha256,
            channel="page",
            given_at=effects.now,
        )
    async with runtime.db.read() as session:
        return await service.consents(session, me.subject or "")
