"""How ingest is doing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from central.ingest import service
from central.ingest.schemas import IngestOut
from central.runtime import RuntimeDep
from central.staff.access import ReaderDep
from contract.values import Name

router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])


@router.get("", summary="What was received from each outbox")
async def counters(runtime: RuntimeDep, principal: ReaderDep, store: Annotated[Name, Query()]) -> IngestOut:
    """Marks, gaps, duplicates and quarantine."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.counters(session, store)
