"""Back to the site: who is told, how it goes, and what customers are written after a visit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, get_args
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from starlette.responses import Response

from central.web import errors, i18n
from central.web.i18n import Language
from central.web.page import Page, PageDep, environment
from central.webhooks import messages, subscriptions
from central.webhooks.addresses import ForbiddenAddressError, networks, target
from central.webhooks.changes import Kind
from central.webhooks.schemas import DeliveryOut, SubscriptionIn, TemplateIn

router = APIRouter(include_in_schema=False)
SHOWN: Final = 30
_PREVIEW_ONLY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox"
)
"""A message may style itself; it may not run, send or fetch anything."""
Title = Annotated[str, Form(max_length=300)]
Body = Annotated[str, Form(max_length=40_000)]
Chosen = Annotated[Language | None, Query(alias="message")]


@router.get("/system/site")
async def show(page: PageDep, chosen: Chosen = None) -> Response:
    """The whole page."""
    page.need("manager")
    language = chosen or page.language
    async with page.runtime.db.read() as session:
        template = await messages.in_force(session, page.store.id, language)
    saved = _moment(page, template.saved_at) if template.saved_at else None
    values = {**await _receivers(page), "template": template, "saved": saved, "kinds": get_args(Kind)}
    return errors.not_installed(page.request) or page.show("site.html", values)


@router.get("/system/site/receivers")
async def receivers(page: PageDep) -> Response:
    """The receivers alone, for htmx."""
    page.need("manager")
    return page.show("site_receivers.html", await _receivers(page))


@router.post("/system/site/receivers")
async def add(
    page: PageDep,
    url: Annotated[str, Form(max_length=500)],
    kinds: Annotated[list[str], Form(default_factory=list)],
) -> Response:
    """Subscribe an address; the answer shows the secret, this once."""
    page.need("admin")
    try:
        given = SubscriptionIn.model_validate({"store": page.store.id, "url": url.strip(), "kinds": kinds})
        await target(given.url, networks(page.runtime.settings.webhook_networks))
    except ValidationError as error:
        return page.show("site_added.html", {"made": None, "mistake": error.errors()[0]["msg"]})
    except ForbiddenAddressError as error:
        return page.show("site_added.html", {"made": None, "mistake": str(error)})
    except (OSError, UnicodeError):
        return page.show("site_added.html", {"made": None, "mistake": ""})
    async with page.runtime.change() as effects:
        made = await subscriptions.add(effects, given, page.principal.reader)
    return page.show("site_added.html", {"made": made, "mistake": None})


@router.post("/system/site/message/{language}")
async def save(page: PageDep, language: Language, title: Title, text: Body, html: Body = "") -> Response:
    """Put a message in force, or say what is wrong with it."""
    page.need("manager")
    try:
        given = TemplateIn(store=page.store.id, title=title, text=_lines(text), html=_lines(html))
        async with page.runtime.change() as effects:
            await messages.put(effects, language, given, page.principal.reader)
    except (messages.TemplateMistakeError, ValidationError) as error:
        return page.show("site_saved.html", {"mistake": _mistake(error)})
    return page.show("site_saved.html", {"mistake": None})


@router.post("/system/site/message/{language}/preview")
async def preview(page: PageDep, language: Language, title: Title, text: Body, html: Body = "") -> Response:
    """The message with sample data, as a document of its own for the frame on the page."""
    page.need("manager")
    values: dict[str, object] = {"made": None, "mistake": None}
    try:
        given = TemplateIn(store=page.store.id, title=title, text=_lines(text), html=_lines(html))
        parts = messages.Templates(given.title, given.text, given.html)
        messages.check(parts)
        values["made"] = messages.render(parts, {**messages.SAMPLE, "shop": page.store.name})
    except (messages.TemplateMistakeError, ValidationError) as error:
        values["mistake"] = _mistake(error)
    document = environment(i18n.choose(page.request)).get_template("site_preview.html").render(values)
    headers = {"Content-Security-Policy": _PREVIEW_ONLY, "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "no-store"}
    return HTMLResponse(document, headers=headers)


async def _receivers(page: Page) -> dict[str, object]:
    async with page.runtime.db.read() as session:
        found = await subscriptions.of_store(session, page.store.id)
        sent = {one.id: await subscriptions.deliveries(session, one.id, None, SHOWN) for one in found}
        lost = {one.id: await subscriptions.deliveries(session, one.id, "dead", SHOWN) for one in found if one.dead}
    rows = {number: _newest(lost.get(number, []), deliveries) for number, deliveries in sent.items()}
    return {"receivers": found, "deliveries": rows, "moment": lambda at: _moment(page, at)}


def _newest(first: list[DeliveryOut], then: list[DeliveryOut]) -> list[DeliveryOut]:
    """What was tried in vain is always among the rows."""
    return [*first, *(row for row in then if row not in first)][:SHOWN]


def _lines(text: str) -> str:
    """Browsers send lines with CR LF."""
    return text.replace("\r\n", "\n")


def _mistake(error: messages.TemplateMistakeError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)


def _moment(page: Page, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(page.store.timezone))
    return str(format_datetime(local, "d MMM, HH:mm", locale=page.language))
