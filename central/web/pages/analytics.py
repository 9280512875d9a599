"""The manager's look back: periods, comparison, funnel, queues, heat by the hour, files."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from central.fleet import service as fleet
from central.web import errors, i18n
from central.web.i18n import Language
from central.web.page import Page, PageDep
from central.web.pages.floor import plan_of
from central.web.trust import trust_texts

router = APIRouter(include_in_schema=False)


@router.get("/analytics")
async def show(page: PageDep) -> Response:
    """The script asks the analytics routes; the page says what the figures stand on."""
    page.need("manager")
    data = {"store": plan_of(page.store, page.language), "others": _others(page), "texts": texts(page.language)}
    missing = errors.not_installed(page.request)
    return missing or page.show("analytics.html", {"data": data, "counted": await _counted(page)})


async def _counted(page: Page) -> dict[str, int]:
    """How many passages the store's nodes have counted since they started, and how many of them nobody saw."""
    runtime = page.runtime
    async with runtime.db.read() as session:
        nodes = await fleet.nodes(session, page.store.id, runtime.clock.now(), runtime.settings)
    told = [node.health.crossings for node in nodes if node.health is not None]
    return {
        "all": sum(one.get("in", 0) + one.get("out", 0) for one in told),
        "inferred": sum(one.get("in_unseen", 0) + one.get("out_unseen", 0) for one in told),
    }


def _others(page: Page) -> list[dict[str, str]]:
    return [{"id": store.id, "name": store.name} for store in page.stores if store.id != page.store.id]


def texts(language: Language) -> dict[str, str]:
    """Words of the script."""
    _ = i18n.translations(language).gettext
    return trust_texts(language) | {
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
        "time": _("Time"),
        "entered": _("In"),
        "left": _("Out"),
        "before": _("Before"),
        "hour": _("Hour"),
        "allHours": _("All hours"),
        "oneHour": _("{from} to {to}, all days"),
        "few": "–",
        "longer": _("over {n}"),
        "range": _("{from} to {to}"),
        "than": _("{n} % against {name}"),
        "same": _("as {name}"),
        "period": _("the period before"),
        "busiest": _("Busiest hour: {hour}"),
        "noHeat": _("No place had enough people in this period."),
        "heat": _("Person-seconds of the chosen period."),
        "people": _("{n} people"),
    }
