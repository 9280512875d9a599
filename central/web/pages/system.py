"""Nodes and their health."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from central.catalogue.feeds import service as feeds
from central.fleet import service as fleet
from central.ingest import service as ingest
from central.web import errors
from central.web.page import Page, PageDep

router = APIRouter(include_in_schema=False)


@router.get("/system")
async def show(page: PageDep) -> Response:
    """The whole page."""
    page.need("manager")
    async with page.runtime.db.read() as session:
        catalogue = await feeds.shown(session, page.store.id)
    return errors.not_installed(page.request) or page.show("system.html", {**await _values(page), "feeds": catalogue})


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
