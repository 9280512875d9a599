"""Stores."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException

from central.catalogue import service
from central.catalogue.schemas import StoreOut
from central.runtime import RuntimeDep
from central.staff.access import ReaderDep
from contract.values import Name

router = APIRouter(prefix="/api/v1/stores", tags=["catalogue"])


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
