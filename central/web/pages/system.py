"""Nodes and their health; where the catalogue and events of sites come from, and the keys of machines."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Path
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.responses import Response

from central.behaviour.sources import of_store
from central.catalogue.feeds import service as feeds
from central.catalogue.schemas import FeedIn
from central.catalogue.tables import Feed
from central.fleet import service as fleet
from central.ingest import service as ingest
from central.staff import service as staff
from central.web import errors
from central.web.page import Page, PageDep
from contract.values import NAME_PATTERN, Name

router = APIRouter(include_in_schema=False)


@router.get("/system")
async def show(page: PageDep) -> Response:
    """The whole page."""
    page.need("manager")
    return errors.not_installed(page.request) or await _system(page)


async def _system(page: Page, token: str | None = None, problem: str = "") -> Response:
    async with page.runtime.db.read() as session:
        catalogue = await feeds.shown(session, page.store.id)
        sources = await of_store(session, page.store.id)
        keys = await staff.tokens(session, page.store.id) if page.principal.may("admin") else []
    values = {"feeds": catalogue, "sources": sources, "keys": keys, "token": token, "problem": problem}
    return page.show("system.html", {**await _values(page), **values})


def _back(page: Page) -> Response:
    return RedirectResponse(f"/system?store={quote(page.store.id)}", 303)


@router.post("/system/feeds")
async def set_up_feed(
    page: PageDep,
    name: Annotated[str, Form(max_length=40)],
    kind: Annotated[str, Form(alias="format", max_length=10)],
    url: Annotated[str, Form(max_length=500)],
    every: Annotated[str, Form(max_length=6)] = "30",
) -> Response:
    """A catalogue or reviews fetched on time, first at once."""
    page.need("admin")
    problem = ""
    try:
        fields = {"format": kind, "url": url.strip(), "every_minutes": every}
        given = FeedIn.model_validate(fields, strict=False)  # a form says everything in words
        if re.fullmatch(NAME_PATTERN, name) is None:
            problem = "name"
    except ValidationError as error:
        problem = str(error.errors()[0]["loc"][0])
    if problem:
        return await _system(page, problem=problem)
    async with page.runtime.db.write() as session:
        await feeds.put(session, page.store.id, name, given, page.runtime.clock.now())
    return _back(page)


@router.post("/system/feeds/{name}")
async def change_feed(page: PageDep, name: Name, what: Annotated[str, Form(pattern="^(fetch|forget)$")]) -> Response:
    """Fetch it at the next turn, or fetch it no more; what it brought stays."""
    page.need("admin")
    async with page.runtime.db.write() as session:
        row = await session.get(Feed, (page.store.id, name))
        if row is None:
            raise HTTPException(404, "no such feed")
        if what == "forget":
            await session.delete(row)
        elif row.url is not None:
            row.next_at = page.runtime.clock.now()
    return _back(page)


@router.post("/system/keys")
async def make_key(
    page: PageDep,
    role: Annotated[str, Form(pattern="^(site|public|till|report)$")],
    source: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """A key for a site, an app, a till or reports; shown once."""
    page.need("admin")
    if source and re.fullmatch(NAME_PATTERN, source) is None:
        return await _system(page, problem="source")
    async with page.runtime.db.write() as session:
        named = (source or None) if role in {"site", "public"} else None
        token = await staff.create_token(session, role, page.store.id, page.runtime, named)
    return await _system(page, token=token)


@router.post("/system/keys/{ident}")
async def revoke_key(page: PageDep, ident: Annotated[str, Path(pattern="^[0-9a-f]{12}$")]) -> Response:
    """Whoever has it may do nothing from now on."""
    page.need("admin")
    async with page.runtime.db.write() as session:
        if not await staff.revoke_token(session, ident, page.store.id):
            raise HTTPException(404, "no such key")
    return _back(page)


@router.get("/system/nodes")
async def nodes(page: PageDep) -> Response:
    """The nodes alone, for htmx."""
    page.need("manager")
    return page.show("system_nodes.html", await _values(page))


async def _values(page: Page) -> dict[str, object]:
    now = page.runtime.clock.now()
    async with page.runtime.db.read() as session:
        found = await fleet.nodes(session, page.store.id, now, page.runtime.settings)
        counters = await ingest.counters(session, page.store.id)
    return {
        "nodes": sorted(found, key=lambda node: (node.state == "online", node.node)),
        "down": sum(node.state != "online" for node in found),
        "waiting": sum(node.health.outbox_depth for node in found if node.health),
        "totals": counters.totals,
        "quarantine": counters.quarantine,
    }
