"""Log-in, log-out, and who is logged in."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from central.catalogue import service as catalogue
from central.runtime import RuntimeDep
from central.staff import service
from central.staff.access import STAFF_COOKIE, ReaderDep, StaffDep, same_origin
from central.staff.schemas import SessionOut

router = APIRouter(tags=["staff"])
_REFUSALS = {
    "wrong": (401, "name or password is wrong"),
    "limited": (429, "too many tries; wait five minutes"),
    "csrf": (403, "the log-in form came from another site"),
}


@router.post("/login", summary="Log in as a member of staff", status_code=303)
async def log_in(
    request: Request,
    runtime: RuntimeDep,
    name: Annotated[str, Form(max_length=80)],
    password: Annotated[str, Form(max_length=200)],
    next_page: Annotated[str, Form(alias="next", max_length=200)] = "/arrivals",
) -> Response:
    """Sets the session cookie and goes to `next`."""
    if not same_origin(request):
        return await _refuse(request, "csrf")
    address = request.client.host if request.client else ""
    if not request.app.state.limiter.allow("staff", name, address):
        return await _refuse(request, "limited")
    token = await service.log_in(runtime, name, password)
    if token is None:
        return await _refuse(request, "wrong")
    response = RedirectResponse(_local(next_page), 303)
    response.set_cookie(
        STAFF_COOKIE,
        token,
        max_age=int(runtime.settings.session_hours * 3600),
        httponly=True,
        samesite="lax",
        secure=runtime.settings.secure_cookies,
    )
    return response


async def _refuse(request: Request, why: Literal["wrong", "limited", "csrf"]) -> Response:
    page = getattr(request.app.state, "login_page", None)
    if page is not None and "text/html" in request.headers.get("accept", ""):
        response = await page(request, why)
        assert isinstance(response, Response)
        return response
    raise HTTPException(*_REFUSALS[why])


def _local(address: str) -> str:
    """Only a path of this site; anything else would make the log-in a springboard to another one."""
    plain_path = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain_path else "/arrivals"


@router.post("/logout", summary="Log out", status_code=303)
async def log_out(request: Request, runtime: RuntimeDep, principal: StaffDep) -> Response:
    """Ends the session on the server and removes the cookie."""
    await service.log_out(runtime, request.cookies.get(STAFF_COOKIE, ""))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(STAFF_COOKIE)
    return response


@router.get("/api/v1/session", summary="Who is logged in")
async def session(runtime: RuntimeDep, principal: ReaderDep) -> SessionOut:
    """Name, role, stores, and the CSRF token for changes."""
    async with runtime.db.read() as db:
        stores = await catalogue.names(db, principal.store)
    return SessionOut(
        name=principal.name, role=principal.role, store=principal.store, stores=stores, csrf=principal.csrf
    )
