"""What every label shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from central.labels import service as labels
from central.labels.schemas import LabelOut
from central.web import errors, i18n
from central.web.page import Page, PageDep
from contract.label_layout import format_price

router = APIRouter(include_in_schema=False)
Show = Literal["all", "personal", "trouble"]
BATTERY_LOW_MV: Final = 2400
"""A coin cell below this does not survive many refreshes."""

_TONES: Final = {"shown": "good", "pending": "warn", "failed": "bad", "unreachable": "bad", "battery_low": "bad"}


@dataclass(frozen=True, slots=True)
class LabelView:
    """A label with its words."""

    label: LabelOut
    title: str
    zone: str
    alt: str
    image: str
    tone: str
    trouble: bool


@router.get("/labels")
async def page(page: PageDep, show: Show = "all") -> Response:
    """The whole page."""
    return errors.not_installed(page.request) or page.show("labels.html", await _values(page, show))


@router.get("/labels/grid")
async def grid(page: PageDep, show: Show = "all") -> Response:
    """The labels alone, for htmx."""
    return page.show("labels_grid.html", await _values(page, show))


async def _values(page: Page, show: Show) -> dict[str, object]:
    async with page.runtime.db.read() as session:
        found = await labels.shown(session, page.store.id)
    zones = {zone.id: i18n.localized(zone.name, page.language) for zone in page.store.zones}
    views = [view_of(label, page.store.id, zones, page.language) for label in found]
    chosen = {
        "all": views,
        "personal": [view for view in views if view.label.variant == "personal"],
        "trouble": [view for view in views if view.trouble],
    }
    return {"labels": chosen[show], "show": show}


def view_of(label: LabelOut, store: str, zones: Mapping[str, str], language: i18n.Language) -> LabelView:
    """The image's address changes with what is on the glass, so that a browser shows the new one at once."""
    _ = i18n.translations(language).gettext
    content = label.content
    mark = urlencode({"v": f"{label.variant}-{label.state}-{label.since.timestamp() if label.since else 0}"})
    alt = _("Nothing is known to be on this label")
    if content is not None:
        alt = f"{content.title}, {format_price(content.price, content.currency)}"
    return LabelView(
        label=label,
        title=content.title if content else label.sku,
        zone=zones.get(label.zone or "", label.zone or ""),
        alt=alt,
        image=f"/api/v1/labels/{store}/{label.id}/image.svg?{mark}",
        tone=_TONES.get(label.state, ""),
        trouble=label.state in {"failed", "unreachable", "battery_low"} or (label.battery_mv or 9999) < BATTERY_LOW_MV,
    )
