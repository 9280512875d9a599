"""Products for staff and machines, and what a scanned GS1 Digital Link leads to."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue import products
from central.catalogue.gtin import of_link
from central.catalogue.schemas import PricePoint, ProductOut
from central.catalogue.tables import Product, Store
from central.runtime import RuntimeDep
from central.staff.access import Principal, machine_of, staff_of
from contract.values import Name

SCAN_PAGE: Final = "/me/scan"
_GONE: Final[dict[int | str, dict[str, object]]] = {404: {"description": "No such product, or not your store."}}
product_router = APIRouter(prefix="/api/v1/products", tags=["catalogue"])
link_router = APIRouter(tags=["catalogue"])


async def _reader(request: Request, runtime: RuntimeDep) -> Principal:
    """Staff, or any machine of the store: what stands on the shelf is no secret to them."""
    principal = await machine_of(request, runtime) or await staff_of(request, runtime)
    if principal is None:
        raise HTTPException(401, "log in first")
    return principal


CatalogueDep = Annotated[Principal, Depends(_reader)]
StoreQuery = Annotated[Name, Query(description="Store")]


@product_router.get("", summary="Products by words or by GTIN")
async def search(
    runtime: RuntimeDep,
    principal: CatalogueDep,
    store: StoreQuery,
    q: Annotated[str, Query(max_length=100, description="Words of title, brand, model or SKU")] = "",
    gtin: Annotated[str | None, Query(max_length=300, description="GTIN or GS1 Digital Link, as scanned")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[ProductOut]:
    """Those that can be had first."""
    principal.check_store(store)
    now = runtime.clock.now()
    async with runtime.db.read() as session:
        if gtin is not None:
            one = await products.by_gtin(session, store, gtin)
            rows = [one] if one else []
        else:
            rows = await products.find(session, store, q, limit)
        return await products.outs(session, rows, now)


@product_router.get("/{sku}", summary="One product", responses=_GONE)
async def product(runtime: RuntimeDep, principal: CatalogueDep, sku: str, store: StoreQuery) -> ProductOut:
    """With parameters, where it can be had, and its lowest price of 30 days."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await products.whole(session, await _found(session, store, sku), runtime.clock.now())


@product_router.get("/{sku}/prices", summary="Its public prices", responses=_GONE)
async def prices(
    runtime: RuntimeDep,
    principal: CatalogueDep,
    sku: str,
    store: StoreQuery,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[PricePoint]:
    """Newest first."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        await _found(session, store, sku)
        return await products.history(session, store, sku, limit)


async def _found(session: AsyncSession, store: str, sku: str) -> Product:
    row = await products.product(session, store, sku[:64])
    if row is None:
        raise HTTPException(404, f"store {store!r} has no product {sku[:64]!r}")
    return row


@link_router.get(
    "/01/{gtin}",
    summary="What a GS1 Digital Link leads to",
    response_model=ProductOut,
    responses={**_GONE, 303: {"description": "A browser goes on to the customer's page"}},
)
async def digital_link(
    request: Request,
    runtime: RuntimeDep,
    gtin: str,
    store: Annotated[Name | None, Query(description="Store; without it the first that has the product")] = None,
) -> ProductOut | Response:
    """Public, as a label is. JSON for a program that asks for it; a browser goes on to the customer's page."""
    number = of_link(gtin[:300])
    if number is None:
        raise HTTPException(404, "this is not a GTIN")
    async with runtime.db.read() as session:
        stores = [store] if store else (await session.scalars(select(Store.id).order_by(Store.id))).all()
        for name in stores:
            row = await products.by_gtin(session, name, number)
            if row is not None:
                break
        else:
            raise HTTPException(404, f"no product here has the GTIN {number}")
        if "application/json" in request.headers.get("accept", ""):
            return await products.whole(session, row, runtime.clock.now())
    return RedirectResponse(f"{SCAN_PAGE}?{urlencode({'store': row.store, 'gtin': number})}", 303)
