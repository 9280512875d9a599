"""The consultant's card of one visit: read at a glance, worked with one hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from fastapi import APIRouter, Form, HTTPException, Query
from sqlalchemy import select
from sqlalchemy.orm import load_only
from starlette.datastructures import FormData
from starlette.responses import Response

from central.baskets.schemas import BasketOut, Sku
from central.behaviour import service as behaviour
from central.behaviour import telling
from central.cards import actions, routes, service
from central.cards.comparing import MOST, compare
from central.cards.schemas import CardDetail, OpinionBody, Way
from central.catalogue import products
from central.catalogue.tables import Product
from central.preferences import service as preferences
from central.preferences.lexicon import lexicon
from central.preferences.shelf import title_of
from central.preferences.wording import Wording
from central.pricing.quoting import customer_of
from central.privacy.service import note_reads
from central.visits.staffed import TakenError
from central.web import errors
from central.web.page import Page, PageDep
from contract.values import Token

router = APIRouter(include_in_schema=False)
_RATING: Final = "p:"
ENTRIES: Final = 20
SkuForm = Annotated[Sku, Form()]


@router.get("/card/{visit}")
async def show(page: PageDep, visit: Token) -> Response:
    """The whole page."""
    gone = errors.not_installed(page.request)
    return gone or page.show("card.html", await _values(page, visit))


@router.get("/card/{visit}/live")
async def live(page: PageDep, visit: Token) -> Response:
    """What changes by itself, for htmx."""
    return page.show("card_live.html", await _values(page, visit))


async def _values(page: Page, visit: str) -> dict[str, object]:
    card = await routes.open_card(page.runtime, page.principal, page.store.id, visit, page.language)
    async with page.runtime.db.read() as session:
        others = await actions.colleagues(session, page.store.id, page.principal.name)
    return {"card": card, "basket": card.basket, "colleagues": others, "mine": _mine(card, page), **_words(page)}


def _mine(card: CardDetail, page: Page) -> bool:
    held = [holder for holder in (card.arrival, card.call) if holder is not None and holder.state == "claimed"]
    return any(holder.claimed_by == page.principal.name for holder in held)


def _words(page: Page) -> dict[str, object]:
    figures = Wording(page.language, page.store.currency, lexicon(), {})
    return {
        "money": figures.money,
        "moment": lambda at, pattern="d MMM, HH:mm": _moment(page, at, pattern),
        "where": figures.where,
        "order": lambda sort: sort.replace(" asc", " ↑").replace(" desc", " ↓"),
        "signed": lambda rating: f"{rating:+d}".replace("-", "−") if rating else "0",
    }


def _moment(page: Page, at: datetime, pattern: str) -> str:
    return str(format_datetime(at.astimezone(ZoneInfo(page.store.timezone)), pattern, locale=page.language))


@router.get("/card/{visit}/timeline")
async def timeline(
    page: PageDep, visit: Token, before: Annotated[int | None, Query(ge=1, le=2**62)] = None
) -> Response:
    """What they did on the site, newest first; only with their leave, and written to the audit."""
    now = page.runtime.clock.now()
    async with page.runtime.db.read() as session:
        row = await service.find(session, page.store.id, visit)
        if row is None:
            raise HTTPException(404, "no such visit")
        customer = await customer_of(session, row.subject)
        found = (
            await behaviour.timeline(session, page.runtime.vault, customer.subject, ENTRIES, before) if customer else []
        )
        statement = select(Product).where(Product.store == page.store.id, Product.sku.in_(telling.skus(found)))
        rows = (await session.scalars(statement.options(load_only(Product.title)))).all()
    if customer is not None and found:
        async with page.runtime.db.write() as session:
            await note_reads(session, page.principal.reader, [customer.id], "card timeline", now)
    titles = {product.sku: title_of(product, page.language) for product in rows}
    entries = [
        (entry, telling.done(entry, page.language), telling.about(entry, titles, page.language)) for entry in found
    ]
    values = {"visit": visit, "entries": entries, "more": len(found) == ENTRIES, "first": before is None}
    return page.show("card_timeline.html", {**values, **_words(page)})


@router.post("/card/{visit}/opinion")
async def opinion(page: PageDep, visit: Token, sku: SkuForm, liked: Annotated[str, Form()] = "") -> Response:
    """A thumb is kept at once; the sheet that comes back takes parameters and a note."""
    form = await page.request.form()
    body = OpinionBody.model_validate(
        {
            "sku": sku,
            "liked": {"yes": True, "no": False}.get(liked),
            "parameters": _ratings(form),
            "note": str(form.get("note", ""))[:1000],
        }
    )
    async with routes.changing(page.runtime, page.principal, page.store.id, visit) as (effects, row):
        kept = await actions.opine(effects, row, page.principal.name, body)
    async with page.runtime.db.read() as session:
        product = await products.product(session, page.store.id, sku)
        choices = await preferences.parameter_choices(session, page.store.id, sku, page.language)
    values = {
        "visit": visit,
        "kept": kept,
        "title": title_of(product, page.language) if product else sku,
        "choices": choices,
        "finished": "finish" in form,
        **_words(page),
    }
    return page.show("card_opinion.html", values)


def _ratings(form: FormData) -> dict[str, int]:
    """Sliders that were touched."""
    found = {}
    for name, value in form.multi_items():
        if name.startswith(_RATING) and isinstance(value, str) and value.lstrip("-").isdecimal():
            found[name.removeprefix(_RATING)] = max(-2, min(2, int(value)))
    return found


@router.post("/card/{visit}/basket")
async def basket(
    page: PageDep, visit: Token, sku: SkuForm, quantity: Annotated[int, Form(ge=0, le=99)] = 1
) -> Response:
    """How many of an article; the basket as it is then."""
    async with routes.changing(page.runtime, page.principal, page.store.id, visit) as (effects, row):
        found = await actions.put(effects, row, page.principal.name, sku, quantity)
    return _basket(page, visit, found)


@router.post("/card/{visit}/basket/later")
async def later(page: PageDep, visit: Token) -> Response:
    """To be finished on the site."""
    async with routes.changing(page.runtime, page.principal, page.store.id, visit) as (effects, row):
        found = await actions.finish_later(effects, row)
    return _basket(page, visit, found)


def _basket(page: Page, visit: str, found: BasketOut | None) -> Response:
    shown = found if found is not None and found.lines else None
    return page.show("card_basket.html", {"visit": visit, "basket": shown, **_words(page)})


@router.get("/card/{visit}/search")
async def search(page: PageDep, visit: Token, words: Annotated[str, Query(alias="q", max_length=400)] = "") -> Response:
    """Relative search right on the card."""
    found = None
    if words.strip():
        found = await routes.look_for(page.runtime, page.principal, page.store.id, visit, words, page.language)
    return page.show("card_search.html", {"visit": visit, "found": found, **_words(page)})


@router.get("/card/{visit}/compare")
async def side_by_side(
    page: PageDep, visit: Token, skus: Annotated[list[Sku] | None, Query(alias="sku", max_length=MOST)] = None
) -> Response:
    """Up to four products in a table."""
    async with page.runtime.db.read() as session:
        row = await service.find(session, page.store.id, visit)
        if row is None:
            raise HTTPException(404, "no such visit")
        found = await compare(session, row, skus or [], page.runtime.clock.now(), page.language)
    return page.show("card_compare.html", {"visit": visit, "found": found, **_words(page)})


@router.post("/card/{visit}/suggested")
async def suggested(page: PageDep, visit: Token, sku: SkuForm) -> Response:
    """The consultant shows it to the customer."""
    async with routes.changing(page.runtime, page.principal, page.store.id, visit) as (effects, row):
        await actions.suggest(effects, row, page.principal.name, sku)
    return Response(status_code=204)


@router.post("/card/{visit}/hand-over")
async def hand_over(page: PageDep, visit: Token, to: Annotated[str, Form(max_length=80)]) -> Response:
    """To a colleague."""
    async with routes.changing(page.runtime, page.principal, page.store.id, visit) as (effects, row):
        await actions.hand_over(effects, row, page.principal, to)
    return Response(status_code=204)


def _changed(done: bool) -> None:
    if not done:
        raise HTTPException(409, "this visit has changed, or is over", headers={"X-Reason": "over"})


@router.post("/card/{visit}/left")
async def left(page: PageDep, visit: Token) -> Response:
    """A visitor no camera sees has gone."""
    async with routes.changing(page.runtime, page.principal, page.store.id, visit) as (effects, row):
        _changed(actions.leave(effects, row))
    return Response(status_code=204)


@router.post("/card/{visit}/undo")
async def undo(page: PageDep, visit: Token) -> Response:
    """It was somebody else."""
    async with routes.changing(page.runtime, page.principal, page.store.id, visit) as (effects, row):
        _changed(await actions.unauthorise(effects, row))
    return Response(status_code=204)


@router.post("/arrivals/recognise")
async def recognise(
    page: PageDep,
    by: Annotated[Way, Form()],
    value: Annotated[str, Form(max_length=64)],
    confirmed: Annotated[str, Form()] = "",
    visit: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """By card or phone, with the guest's word; goes to the card."""
    why = ""
    if confirmed != "yes":
        why = "unconfirmed"
    elif len(value.strip()) < 3:
        why = "unknown"
    elif routes.limited(page.request, page.principal):
        why = "limited"
    if not why:
        try:
            found = await actions.authorise(page.runtime, page.principal, page.store.id, by, value, visit or None)
        except actions.UnknownError:
            why = "unknown"
        except TakenError:
            why = "taken"
        else:
            return Response(status_code=204, headers={"HX-Redirect": f"/card/{found}?store={page.store.id}"})
    return page.show("card_refused.html", {"why": why})
