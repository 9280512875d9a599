"""Baskets for the site to take over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from central.baskets import service
from central.baskets.schemas import SiteBaskets
from central.runtime import RuntimeDep
from central.staff.access import Principal, machine_of
from contract.values import Name

router = APIRouter(prefix="/api/v1/baskets", tags=["baskets"])
Cursor = Annotated[str | None, Query(max_length=40, pattern=r"^\d{1,15}-\d{1,18}$")]


async def _site(request: Request, runtime: RuntimeDep) -> Principal:
    machine = await machine_of(request, runtime)
    if machine is None:
        raise HTTPException(401, "this needs a site's token")
    if machine.role != "site":
        raise HTTPException(403, f"a {machine.role} token may not do this")
    return machine


SiteDep = Annotated[Principal, Depends(_site)]


@router.get("", summary="Baskets of the shop, for the site")
async def baskets(
    runtime: RuntimeDep,
    principal: SiteDep,
    store: Annotated[Name, Query()],
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> SiteBaskets:
    """Those that changed after `after`, oldest first. An empty one has been emptied. Needs the site's token."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.for_site(session, runtime.vault, store, after, limit, runtime.clock.now())
