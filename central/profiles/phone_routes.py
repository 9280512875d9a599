"""Routes of the customer's own page beyond signing in: price, call, basket, history."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Query

from central.baskets import service as baskets
from central.baskets.schemas import BasketOut, LineIn
from central.effects import Effects
from central.profiles import phone
from central.profiles.phone_schemas import CallIn, CallOut, History, MyPrice, PriceAsked, ZoneName
from central.profiles.tables import Customer
from central.runtime import RuntimeDep
from central.staff.access import CustomerDep, Principal

phone_router = APIRouter(prefix="/api/v1/me", tags=["customer's own page"])
LanguageQuery = Annotated[Literal["en", "ru"], Query(alias="lang")]
_NO_PRODUCT: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Not signed in."},
    403: {"description": "The CSRF token is missing or wrong."},
    404: {"description": "The customer's store has no such product."},
}
_CALL: Final[dict[int | str, dict[str, Any]]] = {
    **_NO_PRODUCT,
    404: {"description": "The customer's store has no such zone or product."},
    409: {"description": "No visit of the customer goes on."},
}
_EMPTY: Final[dict[str, Any]] = {"description": "Nothing lies in the basket."}


async def own_row(effects: Effects, me: Principal) -> Customer:
    """The signed-in customer; 401 when they were erased a moment ago."""
    row = await effects.session.get(Customer, me.id)
    if row is None:
        raise HTTPException(401, "log in with the code you were given")
    return row


@phone_router.post("/price", summary="My price for a product", responses=_NO_PRODUCT)
async def price(runtime: RuntimeDep, me: CustomerDep, body: PriceAsked, language: LanguageQuery = "en") -> MyPrice:
    """A promise like one on a label, with the code for a till that is offline. Asking again renews it."""
    async with runtime.change() as effects:
        found = await phone.price(effects, await own_row(effects, me), body.sku, language, scanned=body.scanned)
    if found is None:
        raise HTTPException(404, f"your store has no product {body.sku!r}")
    return found


@phone_router.get("/zones", summary="Where I may be", responses={401: _NO_PRODUCT[401]})
async def zones(runtime: RuntimeDep, me: CustomerDep) -> list[ZoneName]:
    """The zones of the customer's store."""
    async with runtime.db.read() as session:
        found = await phone.zones(session, me.store or "")
    return [ZoneName(id=ident, name=name) for ident, name in found.items()]


@phone_router.post("/call", summary="Call a consultant", responses=_CALL)
async def call(runtime: RuntimeDep, me: CustomerDep, body: CallIn) -> CallOut:
    """To where I stand: a zone, or the label of the product I scanned. Called again: the newer place."""
    try:
        async with runtime.change() as effects:
            found = await phone.call(effects, await own_row(effects, me), body)
    except LookupError as error:
        raise HTTPException(404, str(error.args[0])) from None
    if found is None:
        raise HTTPException(409, "no visit goes on; check in at the entrance first")
    return found


@phone_router.get("/call", summary="Whether somebody is coming", responses={401: _NO_PRODUCT[401]})
async def call_state(runtime: RuntimeDep, me: CustomerDep) -> CallOut:
    """Asked every few seconds while a call waits."""
    async with runtime.db.read() as session:
        row = await session.get(Customer, me.id)
        return await phone.call_state(session, row, runtime.clock.now()) if row else CallOut(state="none")


@phone_router.delete("/call", summary="Nobody need come any more", responses={401: _NO_PRODUCT[401]})
async def call_off(runtime: RuntimeDep, me: CustomerDep) -> CallOut:
    """Nothing happens when nobody was called."""
    async with runtime.change() as effects:
        await phone.call_off(effects, await own_row(effects, me))
    return CallOut(state="none")


@phone_router.get("/history", summary="My visits, and who looked at my profile", responses={401: _NO_PRODUCT[401]})
async def history(runtime: RuntimeDep, me: CustomerDep) -> History:
    """The newest fifty of each."""
    async with runtime.db.read() as session:
        return await phone.history(session, me.subject or "")


_BASKET: Final[dict[int | str, dict[str, Any]]] = {**_NO_PRODUCT, 409: {"description": "The basket is full."}}


@phone_router.get("/basket", summary="My basket", responses={401: _NO_PRODUCT[401]})
async def basket(runtime: RuntimeDep, me: CustomerDep) -> BasketOut | None:
    """What I or a consultant put aside in my store; null when nothing lies in it."""
    async with runtime.db.read() as session:
        found = await baskets.of_subject(session, runtime.vault, me.subject or "", runtime.clock.now(), me.store)
    return next(iter(found), None)


@phone_router.put("/basket", summary="Put something aside", responses=_BASKET)
async def put_aside(runtime: RuntimeDep, me: CustomerDep, body: LineIn) -> BasketOut:
    """So many of an article; 0 takes it out."""
    try:
        async with runtime.change() as effects:
            row = await own_row(effects, me)
            visit = await phone.visit_now(effects.session, row, effects.now)
            return await baskets.put(
                effects, row.store, row.subject, body.sku, body.quantity, "customer", visit.id if visit else None
            )
    except baskets.UnknownSkuError as error:
        raise HTTPException(404, str(error)) from None
    except (baskets.FullError, baskets.NoConsentError) as error:
        raise HTTPException(409, str(error)) from None


@phone_router.post("/basket/later", summary="Finish it later on the site", responses={**_NO_PRODUCT, 404: _EMPTY})
async def finish_later(runtime: RuntimeDep, me: CustomerDep) -> BasketOut:
    """The site takes the basket over, if the customer allows a profile there."""
    async with runtime.change() as effects:
        row = await own_row(effects, me)
        found = await baskets.finish(effects, row.store, row.subject)
    if found is None:
        raise HTTPException(404, "there is nothing in your basket")
    return found
