"""Quotes, ledger and till."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from central.pricing import service, till
from central.pricing.schemas import LedgerOut, QuoteOut, RedeemIn, RedeemOut
from central.runtime import RuntimeDep
from central.staff.access import ReaderDep, TillDep
from contract.values import Name, Token

router = APIRouter(prefix="/api/v1", tags=["pricing"])


@router.get("/prices/quotes", summary="Personal prices of a store or of one visit")
async def quotes(
    runtime: RuntimeDep, principal: ReaderDep, store: Annotated[Name, Query()], visit: Token | None = None
) -> list[QuoteOut]:
    """Newest first, at most 500."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.quotes(session, store, visit, runtime.clock.now())


@router.get("/prices/ledger", summary="What was quoted, shown, confirmed and charged")
async def ledger(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: Annotated[Name, Query()],
    sku: Annotated[str | None, Query(max_length=64)] = None,
) -> list[LedgerOut]:
    """Newest first, at most 1000 lines."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.ledger(session, store, sku)


@router.post("/till/redeem", summary="What to charge for a line of a receipt")
async def redeem(runtime: RuntimeDep, principal: TillDep, request: RedeemIn) -> RedeemOut:
    """The lowest of the public price and what was shown to that visit in the last 15 minutes; a quote counts once.

    The same store, receipt and SKU again get the same answer.
    """
    principal.check_store(request.store)
    try:
        async with runtime.change() as effects:
            answer = await till.redeem(effects, request)
    except service.UnknownSkuError as error:
        raise HTTPException(404, str(error)) from None
    return answer
