"""From the summary of a person's events to interests at a moment. Pure; the order of events does not matter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

from central.behaviour.filters import is_price
from central.behaviour.schemas import (
    AbandonedBasket,
    Barrier,
    BarrierKind,
    BasketLine,
    Category,
    FilterInForce,
    Interests,
    PriceRange,
    ViewedProduct,
    Weighted,
)
from central.behaviour.summary import Register, Section, State

HALF_LIFE = timedelta(days=30)
FORGOTTEN = timedelta(days=365)
"""Older than this nothing counts."""
IN_FORCE = timedelta(days=60)
"""A filter or barrier older than this no longer says what somebody wants today."""
WAITING_DAYS = 3
"""Days on which one product was looked at and not bought: waits for a better price."""
_MINOR = 100
_SHOWN = {"categories": 10, "brands": 10, "viewed": 20, "promotions": 10}


class _View:
    """The registers that still count at `now`, newest first."""

    def __init__(self, state: State, now: datetime) -> None:
        self.now_ms = round(now.timestamp() * 1000)
        self._state = state
        self.looks = [(register[0], cast("list[object]", register[2])) for _, register in self.newest("looks")]

    def newest(self, section: Section, age: timedelta = FORGOTTEN) -> list[tuple[str, Register]]:
        """(key, register), later than `age` ago."""
        since = self.now_ms - round(age.total_seconds() * 1000)
        kept = [(key, register) for key, register in self._state.get(section, {}).items() if register[0] >= since]
        return sorted(kept, key=lambda item: (item[1][0], item[1][1], item[0]), reverse=True)


def interests(state: State, now: datetime) -> Interests:
    """Everything the card needs."""
    view = _View(state, now)
    newest = [register[0] for registers in state.values() for register in registers.values()]
    bought = {key: register[0] for key, register in view.newest("bought")}
    filters, prices, sort = _filters(view)
    return Interests(
        categories=[
            Category(name=name, weight=weight, last_at=_at(last))
            for name, weight, last in _weights(view, 1, "categories")
        ],
        brands=[Weighted(name=name, weight=weight) for name, weight, _ in _weights(view, 2, "brands")],
        filters=filters,
        price_range=prices,
        sort=sort,
        compared=[cast("list[str]", register[2]) for _, register in view.newest("compared")],
        favourites=[sku for sku, register in view.newest("favourites") if register[2]],
        viewed=_viewed(view),
        searches=[str(register[2]) for _, register in view.newest("searches")],
        abandoned_basket=_basket(view),
        promotions=[name for name, _ in view.newest("promotions")][: _SHOWN["promotions"]],
        barriers=_barriers(view, bought),
        updated_at=_at(max(newest)) if newest else None,
    )


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _weights(view: _View, place: int, what: str) -> list[tuple[str, float, int]]:
    """(name, share of attention, last at in ms): points that halve every 30 days."""
    sums: dict[str, float] = defaultdict(float)
    last: dict[str, int] = {}
    half_ms = HALF_LIFE.total_seconds() * 1000
    for at, look in view.looks:
        name = look[place]
        if isinstance(name, str) and name:
            sums[name] += cast("int", look[3]) * 0.5 ** ((view.now_ms - at) / half_ms)
            last[name] = max(at, last.get(name, 0))
    total = sum(sums.values()) or 1.0
    ready = [(name, round(points / total, 3), last[name]) for name, points in sums.items()]
    return sorted(ready, key=lambda item: (-item[1], -item[2], item[0]))[: _SHOWN[what]]


def _viewed(view: _View) -> list[ViewedProduct]:
    counts: dict[str, int] = defaultdict(int)
    last: dict[str, int] = {}
    for at, look in view.looks:
        sku = look[0]
        if isinstance(sku, str) and look[4]:
            counts[sku] += 1
            last[sku] = max(at, last.get(sku, 0))
    order = sorted(counts, key=lambda sku: (-last[sku], sku))[: _SHOWN["viewed"]]
    return [ViewedProduct(sku=sku, count=counts[sku], last_at=_at(last[sku])) for sku in order]


def _filters(view: _View) -> tuple[list[FilterInForce], PriceRange | None, str | None]:
    found: list[FilterInForce] = []
    prices: PriceRange | None = None
    sort: str | None = None
    for place, (category, register) in enumerate(view.newest("filters", IN_FORCE)):
        value = cast("dict[str, object]", register[2])
        if place == 0:
            sort = cast("str | None", value["sort"])
        for parameter, setting in sorted(cast("dict[str, dict[str, object]]", value["filters"]).items()):
            row = FilterInForce.model_validate(
                {"category": category, "parameter": parameter, "last_at": _at(register[0]), **setting}
            )
            found.append(row)
            if prices is None and is_price(parameter) and (row.min is not None or row.max is not None):
                prices = PriceRange(min=_minor(row.min), max=_minor(row.max))
    return found, prices, sort


def _minor(amount: float | None) -> int | None:
    return None if amount is None else round(amount * _MINOR)


def _basket(view: _View) -> AbandonedBasket | None:
    """The basket's own history since the last order, played again in its order."""
    ordered = [(register[0], register[1]) for _, register in view.newest("orders")]
    touched = [
        register for _, register in view.newest("cart") if not ordered or (register[0], register[1]) > ordered[0]
    ]
    lines: dict[str, int] = {}
    for register in reversed(touched):
        step, changes = cast("tuple[str, list[tuple[str, int | None]]]", register[2])
        if step == "set":
            lines = {}
        for sku, quantity in changes:
            if step == "remove":
                left = 0 if quantity is None else lines.get(sku, 0) - quantity
            else:
                left = lines.get(sku, 0) + (quantity or 1)
            lines[sku] = max(0, left)
    kept = [BasketLine(sku=sku, quantity=quantity) for sku, quantity in sorted(lines.items()) if quantity > 0]
    return AbandonedBasket(lines=kept, at=_at(touched[0][0])) if kept else None


def _delivery(value: dict[str, object]) -> str:
    days = value.get("days")
    return f"looked at delivery: {days:g} days" if isinstance(days, int | float) else "looked at delivery"


def _waits(value: dict[str, object]) -> str:
    if value.get("coupon"):
        return f"a coupon was refused: {value['coupon']}"
    return "asked to be told of a lower price" if value.get("sku") else "filtered by discount"


_EVIDENCE: dict[str, Callable[[dict[str, object]], str]] = {
    "delivery_time": _delivery,
    "waits_for_discount": _waits,
    "price": lambda _value: "sorted by price, cheapest first",
    "out_of_stock": lambda _value: "saw it out of stock",
}


def _barriers(view: _View, bought: dict[str, int]) -> list[Barrier]:
    """What was not overcome: an order since then has taken the barrier away."""
    ordered = max((register[0] for _, register in view.newest("orders")), default=0)
    found = []
    for key, register in view.newest("barriers", IN_FORCE):
        kind, _, sku = key.partition(":")
        if register[0] <= max(ordered, bought.get(sku, 0)):
            continue
        evidence = _EVIDENCE[kind](cast("dict[str, object]", register[2]))
        found.append(
            Barrier(kind=cast("BarrierKind", kind), sku=sku or None, evidence=evidence, last_at=_at(register[0]))
        )
    return sorted([*found, *_hesitations(view, bought)], key=lambda row: (row.last_at, row.kind, row.sku or ""))[::-1]


def _hesitations(view: _View, bought: dict[str, int]) -> list[Barrier]:
    days: dict[str, set[int]] = defaultdict(set)
    last: dict[str, int] = {}
    since = view.now_ms - round(IN_FORCE.total_seconds() * 1000)
    for at, look in view.looks:
        sku = look[0]
        if isinstance(sku, str) and look[4] and at > max(since, bought.get(sku, 0)):
            days[sku].add(at // 86_400_000)
            last[sku] = max(at, last.get(sku, 0))
    return [
        Barrier(
            kind="waits_for_discount",
            sku=sku,
            evidence=f"looked at it on {len(seen)} days without buying",
            last_at=_at(last[sku]),
        )
        for sku, seen in sorted(days.items())
        if len(seen) >= WAITING_DAYS
    ]
