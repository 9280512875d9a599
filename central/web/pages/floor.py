"""The manager's page: where people are and were. The figures come from the analytics routes."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from central.catalogue.schemas import StoreOut
from central.web import errors, i18n
from central.web.i18n import Language
from central.web.page import PageDep
from central.web.trust import trust_texts

router = APIRouter(include_in_schema=False)


@router.get("/floor")
async def show(page: PageDep) -> Response:
    """Plan, counts, time by zone and footfall."""
    page.need("manager")
    floor = {"store": plan_of(page.store, page.language), "texts": texts(page.language)}
    return errors.not_installed(page.request) or page.show("floor.html", {"floor": floor})


def plan_of(store: StoreOut, language: Language) -> dict[str, object]:
    """The store as the script draws it: names in one language, metres."""
    plain = store.model_dump(mode="json", include={"id", "timezone", "plan", "lines", "cameras", "labels"})
    names = {zone.id: i18n.localized(zone.name, language) for zone in store.zones}
    return plain | {"zones": [{"id": zone.id, "name": names[zone.id], "polygon": zone.polygon} for zone in store.zones]}


def texts(language: Language) -> dict[str, str]:
    """Words of the floor script."""
    _ = i18n.translations(language).gettext
    return {
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
        "time": _("Time"),
        "entered": _("In"),
        "left": _("Out"),
        "liveHeat": _("Colour: the last 5 minutes. Tables: today’s hours that are over."),
        "pastHeat": _("Colour and tables: the chosen period."),
        "noHeat": _("No movement recorded in this period yet."),
        "pastNoHeat": _("No place had enough people in this period."),
        "queue": _("{n} in the queue"),
    } | trust_texts(language)
