"""Routes of the customer's own page beyond signing in: price, history."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Query

from central.effects import Effects
from central.profiles import phone
from central.profiles.phone_schemas import History, MyPrice, PriceAsked
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


@phone_router.get("/history", summary="My visits, and who looked at my profile", responses={401: _NO_PRODUCT[401]})
async def history(runtime: RuntimeDep, me: CustomerDep) -> History:
    """The newest fifty of each."""
    async with runtime.db.read() as session:
        return await phone.history(session, me.subject or "")
