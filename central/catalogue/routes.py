"""Stores."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response

from central.catalogue import service
from central.catalogue.schemas import StoreOut
from central.catalogue.tables import Store
from central.openapi import SVG
from central.runtime import RuntimeDep
from central.staff.access import ReaderDep
from contract.values import Name

router = APIRouter(prefix="/api/v1/stores", tags=["catalogue"])
_IMAGE_ONLY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A drawing may style itself; it may not run or fetch anything."""


@router.get("", summary="The stores you may see")
async def stores(runtime: RuntimeDep, principal: ReaderDep) -> list[StoreOut]:
    """With plan, zones, lines, cameras and labels."""
    async with runtime.db.read() as session:
        return await service.stores(session, principal.store)


@router.get("/{store}", summary="One store with its plan")
async def store(runtime: RuntimeDep, principal: ReaderDep, store: Name) -> StoreOut:
    """404 for a store that is not yours."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        found = await service.store(session, store)
    if found is None:
        raise HTTPException(404, f"there is no store {store!r}")
    return found


@router.get("/{store}/plan.svg", summary="The drawing under a store's plan", response_class=Response, responses=SVG)
async def plan(runtime: RuntimeDep, principal: ReaderDep, store: Name) -> Response:
    """As imported; served as an image that can do nothing."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        row = await session.get(Store, store)
    svg = service.drawing(row) if row is not None else None
    if svg is None:
        raise HTTPException(404, f"store {store!r} has no drawing")
    return Response(svg, media_type="image/svg+xml", headers={"Content-Security-Policy": _IMAGE_ONLY})
