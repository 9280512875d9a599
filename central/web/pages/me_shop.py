"""The customer's page in the shop: scanning, a product, finding one by comparing.

Public as a label is; more when signed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from central.catalogue import gtin as gtins
from central.catalogue import products
from central.catalogue.reviews import service as reviews
from central.catalogue.schemas import ProductOut, ReviewOut
from central.catalogue.tables import Product, Store
from central.preferences import service as preferences
from central.preferences.lexicon import lexicon
from central.preferences.schemas import Choice, OpinionOut
from central.preferences.wording import Wording
from central.privacy.service import purposes_of
from central.runtime import Runtime, RuntimeDep
from central.staff.access import PageCustomerDep, Principal
from central.web import errors, i18n
from central.web.page import render

router = APIRouter(include_in_schema=False)
Scanned = Annotated[str | None, Query(max_length=300)]
FOUND: Final = 12
REVIEWS: Final = 5


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the page of a product needs, all of it read in one transaction."""

    product: ProductOut
    store: str
    own: bool
    """The product is of the signed-in customer's own store: a price and an opinion of theirs make sense."""
    keeps: bool
    """The customer allows a profile, so an opinion may be kept."""
    choices: list[Choice]
    opinion: OpinionOut | None
    reviews: list[ReviewOut]
    """The newest of the retailer's site."""
    verdict: tuple[int, int] | None
    """How many liked and disliked it, of those who tried it in the shop."""


@router.get("/me/scan")
async def scan(
    request: Request,
    runtime: RuntimeDep,
    me: PageCustomerDep,
    gtin: Scanned = None,
    sku: Annotated[str | None, Query(max_length=64)] = None,
    store: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """A product by what was scanned, typed or clicked; without any, the scanner. Words go on to the search."""
    gone = errors.not_installed(request)
    if gone is not None:
        return gone
    if not gtin and not sku:
        return _scanner(request, me, "")
    if gtin and gtins.of_link(gtin) is None:
        return RedirectResponse(f"/me/find?{urlencode({'q': gtin})}", 303)
    language = i18n.choose(request)
    async with runtime.db.read() as session:
        row = await _found(session, me, store, gtin, sku)
        shelf = await _shelf(session, runtime, me, row, language) if row else None
    if shelf is None:
        return _scanner(request, me, gtin or sku or "", 404)
    speaking = Wording(language, shelf.product.currency, lexicon(), {})
    values = {"shelf": shelf, "say": speaking, "principal": me, "path": "/me/scan"}
    return render(request, "me_product.html", values)


def _scanner(request: Request, me: Principal | None, missed: str, status: int = 200) -> Response:
    return render(request, "me_scan.html", {"missed": missed, "principal": me, "path": "/me/scan"}, status)


async def _found(
    session: AsyncSession, me: Principal | None, store: str | None, gtin: str | None, sku: str | None
) -> Product | None:
    """In the store of the address, else in the customer's own, else in the first that has it."""
    wanted = store or (me.store if me else None)
    stores = [wanted] if wanted else (await session.scalars(select(Store.id).order_by(Store.id))).all()
    for name in stores:
        row = await (products.by_gtin(session, name, gtin) if gtin else products.product(session, name, sku or ""))
        if row is not None:
            return row
    return None


async def _shelf(
    session: AsyncSession, runtime: Runtime, me: Principal | None, row: Product, language: i18n.Language
) -> Shelf:
    own = me is not None and me.store == row.store
    keeps = own and me is not None and (await purposes_of(session, me.subject)).get("profile", False)
    store = await session.get(Store, row.store)
    return Shelf(
        product=await products.whole(session, row, runtime.clock.now()),
        store=store.name if store else row.store,
        own=own,
        keeps=keeps,
        choices=await preferences.parameter_choices(session, row.store, row.sku, language) if keeps else [],
        opinion=await _opinion(session, runtime, me, row) if keeps and me else None,
        reviews=await reviews.newest(session, row.store, row.sku, REVIEWS),
        verdict=await preferences.verdict(session, row.store, row.sku, row.category),
    )


async def _opinion(session: AsyncSession, runtime: Runtime, me: Principal, row: Product) -> OpinionOut | None:
    said = await preferences.of_subject(session, runtime.vault, me.subject or "")
    mine = (one for one in said if one.by == "customer" and (one.store, one.sku) == (row.store, row.sku))
    return next(mine, None)


@router.get("/me/find")
async def find(
    request: Request,
    runtime: RuntimeDep,
    me: PageCustomerDep,
    q: Annotated[str, Query(max_length=400)] = "",
    store: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Relative search in words; ranked by the customer's own taste where they allow it. Works without scripts."""
    gone = errors.not_installed(request)
    if gone is not None:
        return gone
    if q.strip() and not request.app.state.searches.allow(me, request.client.host if request.client else ""):
        raise HTTPException(429, "too many searches; wait a minute")
    language = i18n.choose(request)
    async with runtime.db.read() as session:
        stores = (await session.scalars(select(Store).order_by(Store.id))).all()
        wanted = (me.store if me else None) or store
        place = next((row for row in stores if row.id == wanted), stores[0] if stores and not wanted else None)
        if place is None:
            raise HTTPException(404, "there is no such store")
        found = None
        if q.strip():
            subject = me.subject if me else None
            now = runtime.clock.now()
            found = await preferences.search(session, runtime.vault, subject, place.id, q, FOUND, now, language)
    say = Wording(language, place.currency, lexicon(), {})
    answers = found.suggestions if found else []
    links = {item.sku: f"/me/scan?{urlencode({'sku': item.sku, 'store': place.id})}" for item in answers}
    prices = {item.sku: say.money(item.price) for item in answers}
    values = {"found": found, "q": q, "shop": place.id, "links": links, "prices": prices}
    return render(request, "me_find.html", {**values, "say": say, "principal": me, "path": "/me/find"})
