"""Who is asking, what they may see, and whether the request is really theirs (CSRF)."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal, cast
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request
from sqlalchemy import select

from central.profiles.tables import Customer, CustomerSession
from central.runtime import Runtime, RuntimeDep
from central.staff.passwords import token_hash
from central.staff.tables import MachineToken, StaffMember, StaffSession

STAFF_COOKIE = "vitrina_session"
CUSTOMER_COOKIE = "vitrina_me"
_RANKS = {"consultant": 1, "manager": 2, "admin": 3}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Role = Literal["consultant", "manager", "admin", "till", "site", "public", "report", "customer"]


class LoginRequiredError(Exception):
    """A page was asked for without a session; answered by going to the log-in page."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks. `store` None: all stores."""

    kind: Literal["staff", "machine", "customer"]
    id: str
    name: str
    role: Role
    store: str | None
    csrf: str = ""
    customer: str | None = None
    subject: str | None = None

    def may(self, role: Literal["consultant", "manager", "admin"]) -> bool:
        """Whether a member of staff has at least this role."""
        return self.kind == "staff" and _RANKS.get(self.role, 0) >= _RANKS[role]

    def sees(self, store: str) -> bool:
        """Whether this store is theirs."""
        return self.store is None or self.store == store

    def check_store(self, store: str) -> None:
        """404 for somebody else's store, as if it did not exist."""
        if not self.sees(store):
            raise HTTPException(404, f"there is no store {store!r}")

    @property
    def reader(self) -> str:
        """How the audit names them; a customer is only ever one who reads about themselves."""
        return "customer" if self.kind == "customer" else f"{self.kind}:{self.name}"


async def staff_of(request: Request, runtime: Runtime) -> Principal | None:
    """The member of staff behind the session cookie."""
    token = request.cookies.get(STAFF_COOKIE)
    if not token:
        return None
    async with runtime.db.read() as session:
        statement = (
            select(StaffSession, StaffMember)
            .join(StaffMember, StaffMember.id == StaffSession.staff)
            .where(StaffSession.token_hash == token_hash(token), StaffMember.active)
        )
        found = (await session.execute(statement)).first()
    if found is None or found[0].expires_at < runtime.clock.now():
        return None
    row, member = found
    return Principal("staff", str(member.id), member.name, cast("Role", member.role), member.store, row.csrf)


async def machine_of(request: Request, runtime: Runtime) -> Principal | None:
    """The machine behind a bearer token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    async with runtime.db.read() as session:
        row = await session.get(MachineToken, token_hash(token.strip()))
    if row is None:
        return None
    return Principal(
        "machine", row.token_hash[:12], f"{row.role}-{row.token_hash[:8]}", cast("Role", row.role), row.store
    )


async def customer_of(request: Request, runtime: Runtime) -> Principal | None:
    """The customer behind the cookie of their own page."""
    token = request.cookies.get(CUSTOMER_COOKIE)
    if not token:
        return None
    async with runtime.db.read() as session:
        row = await session.get(CustomerSession, token_hash(token))
        customer = await session.get(Customer, row.customer) if row else None
    if row is None or customer is None or row.expires_at < runtime.clock.now():
        return None
    return Principal(
        "customer", customer.id, customer.id, "customer", customer.store, row.csrf, customer.id, customer.subject
    )


async def check_csrf(request: Request, principal: Principal) -> None:
    """A request that changes something and came with a cookie must carry the session's token."""
    if request.method in _SAFE or principal.kind == "machine":
        return
    given = request.headers.get("x-csrf-token", "")
    if not given and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        field = (await request.form()).get("csrf")
        given = field if isinstance(field, str) else ""
    if not hmac.compare_digest(given.encode(), principal.csrf.encode()):
        raise HTTPException(403, "the X-CSRF-Token header (or csrf field) is missing or wrong; load the page again")


def same_origin(request: Request) -> bool:
    """For log-ins, which have no session yet: whether the form was one of ours, as browsers say."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _staff(request: Request, runtime: RuntimeDep) -> Principal:
    principal = await staff_of(request, runtime)
    if principal is None:
        raise HTTPException(401, "log in first")
    await check_csrf(request, principal)
    return principal


async def _page_staff(request: Request, runtime: RuntimeDep) -> Principal:
    principal = await staff_of(request, runtime)
    if principal is None:
        raise LoginRequiredError
    await check_csrf(request, principal)
    return principal


async def _reader(request: Request, runtime: RuntimeDep) -> Principal:
    """Staff, or a machine that may read reports (GET only)."""
    machine = await machine_of(request, runtime)
    if machine is None:
        return await _staff(request, runtime)
    if machine.role != "report" or request.method not in _SAFE:
        raise HTTPException(403, f"a {machine.role} token may not do this")
    return machine


async def _customer(request: Request, runtime: RuntimeDep) -> Principal:
    principal = await customer_of(request, runtime)
    if principal is None:
        raise HTTPException(401, "log in with the code you were given")
    await check_csrf(request, principal)
    return principal


async def _page_customer(request: Request, runtime: RuntimeDep) -> Principal | None:
    principal = await customer_of(request, runtime)
    if principal is not None:
        await check_csrf(request, principal)
    return principal


def require(role: Literal["consultant", "manager", "admin"]) -> Callable[..., Awaitable[Principal]]:
    """A dependency: staff with at least this role."""

    async def check(request: Request, runtime: RuntimeDep) -> Principal:
        principal = await _staff(request, runtime)
        if not principal.may(role):
            raise HTTPException(403, f"this needs the role {role}")
        return principal

    return check


async def _till(request: Request, runtime: RuntimeDep) -> Principal:
    machine = await machine_of(request, runtime)
    if machine is not None:
        if machine.role != "till":
            raise HTTPException(403, f"a {machine.role} token may not do this")
        return machine
    return await require("manager")(request, runtime)


def login_address(request: Request) -> str:
    """Where to log in, and to come back to afterwards."""
    return f"/login?next={quote(request.url.path)}"


StaffDep = Annotated[Principal, Depends(_staff)]
PageStaffDep = Annotated[Principal, Depends(_page_staff)]
ReaderDep = Annotated[Principal, Depends(_reader)]
ManagerDep = Annotated[Principal, Depends(require("manager"))]
AdminDep = Annotated[Principal, Depends(require("admin"))]
TillDep = Annotated[Principal, Depends(_till)]
CustomerDep = Annotated[Principal, Depends(_customer)]
PageCustomerDep = Annotated[Principal | None, Depends(_page_customer)]
