"""The till's question, and what its answer does to the labels."""

from __future__ import annotations

from central.effects import Effects
from central.labels import service as labels
from central.pricing import service
from central.pricing.schemas import RedeemIn, RedeemOut


async def redeem(effects: Effects, request: RedeemIn) -> RedeemOut:
    """What to charge; a quote that was redeemed leaves its label. UnknownSkuError."""
    answer = await service.redeem(effects, request)
    if answer.quote is not None:
        await labels.revert_quote(effects, request.store, answer.quote, "redeemed")
    return answer
