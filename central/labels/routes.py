"""What labels show."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from central.labels import service
from central.labels.schemas import LabelOut
from central.openapi import SVG
from central.runtime import RuntimeDep
from central.staff.access import ReaderDep
from central.web.label_svg import render
from contract.values import Name

router = APIRouter(prefix="/api/v1/labels", tags=["labels"])


@router.get("", summary="What each label of a store shows now")
async def labels(runtime: RuntimeDep, principal: ReaderDep, store: Annotated[Name, Query()]) -> list[LabelOut]:
    """`content` is what the glass confirmed, `wanted` what it was asked to show."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.shown(session, store)


@router.get("/{store}/{label}/image.svg", summary="A label as an image", response_class=Response, responses=SVG)
async def image(runtime: RuntimeDep, principal: ReaderDep, store: Name, label: Name) -> Response:
    """Drawn from the layout the edge prints."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        found = await service.one(session, store, label)
    if found is None:
        raise HTTPException(404, f"there is no label {label!r}")
    drawing = render(found.content, personal=found.variant == "personal", width=found.width_px, height=found.height_px)
    return Response(drawing, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})
