"""Nodes and their health."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from central.fleet import service
from central.fleet.schemas import NodeOut
from central.runtime import RuntimeDep
from central.staff.access import AdminDep, ReaderDep
from contract.values import Name

router = APIRouter(prefix="/api/v1/nodes", tags=["fleet"])


@router.get("", summary="The nodes of a store")
async def nodes(runtime: RuntimeDep, principal: ReaderDep, store: Annotated[Name, Query()]) -> list[NodeOut]:
    """Status, last health, session, mark and key state."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.nodes(session, store, runtime.clock.now(), runtime.settings)


@router.post("/{store}/{node}/accept-key", summary="Trust the key a node shows now")
async def accept_key(runtime: RuntimeDep, principal: AdminDep, store: Name, node: Name) -> NodeOut:
    """For a replaced machine. Until then it is given no templates."""
    principal.check_store(store)
    async with runtime.change() as effects:
        row = await service.accept_key(effects, store, node)
        if row is None:
            raise HTTPException(404, f"there is no node {node!r}")
        return await service.describe(effects.session, row, effects.now, runtime.settings)
