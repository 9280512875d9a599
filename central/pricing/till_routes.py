"""What tills call. The same receipt line always gets the same answer, so a till may ask again after any failure."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from central.pricing import reconcile as offline
from central.pricing import till
from central.pricing.quote_code import PREFIX
from central.pricing.rules import WINDOW_S
from central.pricing.schemas import (
    KitOut,
    ReconcileIn,
    ReconcileOut,
    RedeemIn,
    RedeemOut,
    VerifyIn,
    VerifyOut,
    VoidIn,
    VoidOut,
)
from central.runtime import RuntimeDep
from central.staff.access import TillDep
from contract.values import Name

router = APIRouter(prefix="/api/v1/till", tags=["till"])


@router.post("/verify", summary="What a line would be charged")
async def verify(runtime: RuntimeDep, principal: TillDep, request: VerifyIn) -> VerifyOut:
    """Nothing changes."""
    principal.check_store(request.store)
    try:
        async with runtime.db.read() as session:
            return await till.verify(session, request, runtime.clock.now())
    except till.UnknownSkuError as error:
        raise HTTPException(404, str(error)) from None


@router.post("/redeem", summary="What to charge for a line of a receipt")
async def redeem(runtime: RuntimeDep, principal: TillDep, request: RedeemIn) -> RedeemOut:
    """The lowest of the public price and what was shown to that visit in the last 15 minutes; a quote counts once.

    The same store, receipt and SKU again get the same answer.
    """
    principal.check_store(request.store)
    try:
        async with runtime.change() as effects:
            return await till.redeem(effects, request)
    except till.UnknownSkuError as error:
        raise HTTPException(404, str(error)) from None


@router.post("/void", summary="Take a receipt or one line of it back")
async def void(runtime: RuntimeDep, principal: TillDep, request: VoidIn) -> VoidOut:
    """Bonuses come back and a quote still in its window may be used again. Asked again: the same answer."""
    principal.check_store(request.store)
    try:
        async with runtime.change() as effects:
            return await till.void(effects, request)
    except till.UnknownReceiptError as error:
        raise HTTPException(404, str(error)) from None


@router.post("/reconcile", summary="Tell what was sold on quote codes while offline")
async def reconcile(runtime: RuntimeDep, principal: TillDep, request: ReconcileIn) -> ReconcileOut:
    """Nothing is refused: it has happened. `conflict` says what should not have; told again, nothing changes."""
    principal.check_store(request.store)
    async with runtime.change() as effects:
        return ReconcileOut(lines=await offline.reconcile(effects, request))


@router.get("/kit", summary="What a till keeps to check quotes by itself")
async def kit(runtime: RuntimeDep, principal: TillDep, store: Annotated[Name, Query()]) -> KitOut:
    """Fetch it once a day; the key changes only when central's does."""
    principal.check_store(store)
    key = base64.b64encode(runtime.keys.signing.public_key().public_bytes_raw()).decode()
    return KitOut(store=store, key=key, code_prefix=PREFIX, window_s=WINDOW_S)
