"""Feeds: sending one, setting up its fetching, and how it went."""

from __future__ import annotations

import tempfile
from typing import Annotated, BinaryIO, Final, Literal, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from central.catalogue.feeds import service
from central.catalogue.schemas import FeedIn, FeedOut, FeedRunOut
from central.catalogue.tables import Store
from central.runtime import RuntimeDep
from central.staff.access import AdminDep, ManagerDep, Principal, machine_of, require
from contract.values import Name

MAX_POST: Final = 256 * 1024**2
_SPOOL: Final = 8 * 1024**2
_REFUSED: Final[dict[int | str, dict[str, object]]] = {
    422: {
        "model": FeedRunOut,
        "description": "Too much of the feed is wrong: nothing was taken in; `errors` names the lines.",
    },
    404: {"description": "There is no such store, or it is not yours."},
}
_FEED_BODY: Final[dict[str, object]] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("application/xml", "text/tab-separated-values", "application/gzip")
        },
    }
}
router = APIRouter(prefix="/api/v1/feeds", tags=["catalogue"])


async def _sender(request: Request, runtime: RuntimeDep) -> Principal:
    """An administrator, or a site's token."""
    machine = await machine_of(request, runtime)
    if machine is None:
        return await require("admin")(request, runtime)
    if machine.role != "site":
        raise HTTPException(403, f"a {machine.role} token may not do this")
    return machine


SenderDep = Annotated[Principal, Depends(_sender)]
StoreQuery = Annotated[Name, Query(description="Store")]


@router.post("", summary="Send a feed", responses=_REFUSED, openapi_extra=_FEED_BODY, max_body_size=MAX_POST)
async def send(
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    principal: SenderDep,
    store: StoreQuery,
    format_: Annotated[Literal["yml", "google", "reviews"] | None, Query(alias="format")] = None,
    name: Annotated[Name, Query(description="Name of the feed")] = service.MAIN,
    delta: Annotated[bool | None, Query(description="Only changes: what is not in it stays")] = None,
) -> FeedRunOut:
    """The file itself as the body, plain or gzipped. Answers when it is taken in; 422 with the reasons when refused."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        agreed = await service.terms(session, store, name, format_, delta)
    if agreed is None:
        raise HTTPException(404, f"there is no store {store!r}")
    with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
        async for data in request.stream():
            spool.write(data)
        spool.seek(0)
        run = await service.take_in(runtime, cast("BinaryIO", spool), agreed, "post")
    response.status_code = 422 if run.state == "refused" else 200
    return run


@router.get("", summary="Feeds of a store and how they went")
async def feeds(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery) -> list[FeedOut]:
    """With the last ten runs of each, errors by line."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.shown(session, store)


@router.put("/{name}", summary="Set up a feed", responses={404: _REFUSED[404]})
async def set_up(runtime: RuntimeDep, principal: AdminDep, name: Name, store: StoreQuery, given: FeedIn) -> FeedOut:
    """With `url` and `every_minutes` it is fetched on time, and only when the server says that it changed."""
    principal.check_store(store)
    async with runtime.db.write() as session:
        if await session.get(Store, store) is None:
            raise HTTPException(404, f"there is no store {store!r}")
        await service.put(session, store, name, given, runtime.clock.now())
        await session.flush()
        found = await service.one(session, store, name)
    assert found is not None
    return found


@router.delete("/{name}", summary="Forget a feed", status_code=204, responses={404: _REFUSED[404]})
async def remove(runtime: RuntimeDep, principal: AdminDep, name: Name, store: StoreQuery) -> None:
    """Its offers stay as they are."""
    principal.check_store(store)
    async with runtime.db.write() as session:
        if not await service.remove(session, store, name):
            raise HTTPException(404, f"store {store!r} has no feed {name!r}")
