"""The manager's look back: periods, comparison, funnel, queues, heat by the hour, files."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

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
    return errors.not_installed(page.request) or page.show("analytics.html", {"data": data})


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
