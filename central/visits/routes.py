"""Visits and their evidence."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from central.privacy.service import note_reads
from central.runtime import RuntimeDep
from central.staff.access import ReaderDep
from central.visits import reading
from central.visits.schemas import VisitDetail, VisitOut
from contract.values import Name, Token

router = APIRouter(prefix="/api/v1/visits", tags=["visits"])


@router.get("", summary="Newest visits of a store")
async def recent(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: Annotated[Name, Query()],
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[VisitOut]:
    """Names only with consent."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        found, read = await reading.recent(session, runtime.vault, store, limit)
    if read:
        async with runtime.db.write() as session:
            await note_reads(session, principal.reader, read, "visits", runtime.clock.now())
    return found


@router.get("/{visit}", summary="One visit: evidence, stays, quotes")
async def detail(
    runtime: RuntimeDep, principal: ReaderDep, visit: Annotated[Token, Path()], store: Annotated[Name, Query()]
) -> VisitDetail:
    """What the visit stands on and what followed from it."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        found = await reading.detail(session, runtime.vault, store, visit, runtime.clock.now())
    if found is None:
        raise HTTPException(404, f"there is no visit {visit!r}")
    if found[1]:
        async with runtime.db.write() as session:
            await note_reads(session, principal.reader, found[1], "visits/detail", runtime.clock.now())
    return found[0]
