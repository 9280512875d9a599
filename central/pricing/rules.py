"""What a personal price may be. Pure: every guard rail is here and has a property test."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from contract.signing import canonical_json

QUOTE_CONTEXT = b"vitrina/quote/v1\0"
WINDOW_S = 15 * 60
"""Whatever was shown this recently may be charged (PRIVACY S7)."""


@dataclass(frozen=True, slots=True)
class PriceRules:
    """A store's limits. Shares are fractions of the public price; the margin floor is a fraction of cost."""

    max_discount_share: float = 0.3
    max_bonus_share: float = 0.3
    margin_floor_share: float = 0.0
    quote_seconds: float = 120.0
    round_to_minor: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One reason for a lower price and the minor units it took off."""

    reason: str
    off: int
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A price below the public one, and how it came about. `bonus` is what the customer's bonuses pay."""

    price: int
    bonus: int
    reasons: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    """What each discount gave in the end; with `bonus` they never add up to more than the difference."""


def personal_price(
    public: int,
    cost: int | None,
    bonuses: int,
    discounts: tuple[Part, ...],
    rules: PriceRules,
    promised: int | None = None,
) -> Offer | None:
    """Public price - discounts - usable bonuses, within the limits; None when that gives nothing.

    `promised` is the lowest price the same customer was shown inside the window: never above it, whatever the limits
    say now, because the till would charge it anyway.
    """
    discount = sum(part.off for part in discounts)
    bonus = min(bonuses, _share(public, rules.max_bonus_share))
    limit = _share(public, rules.max_discount_share)
    floor = 0 if cost is None else _up(Decimal(cost) * (1 + _decimal(rules.margin_floor_share)))
    wanted = public - min(discount + bonus, limit)
    price = _round_up(max(wanted, floor), rules.round_to_minor)
    kept = promised is not None and promised < price
    if promised is not None and kept:
        price = promised
    if price >= public:
        return None
    reasons = [*(part.reason for part in discounts if part.off), *(["bonuses"] if bonus else [])]
    reasons += [name for name, true in _limits(discount + bonus > limit, floor > wanted, kept).items() if true]
    parts = _given(discounts, public - price)
    # Discounts are given first: a customer's bonuses are spent only on what remains of the difference.
    spent = min(bonus, max(0, public - price - discount))
    return Offer(price, spent, tuple(reasons), parts)


def _limits(limited: bool, floored: bool, kept: bool) -> dict[str, bool]:
    return {"limited": limited and not kept, "margin_floor": floored and not kept, "promised": kept}


def _given(discounts: tuple[Part, ...], difference: int) -> tuple[Part, ...]:
    """What is left of each discount after the limits, in the order given."""
    found = []
    for part in discounts:
        off = min(part.off, difference)
        difference -= off
        if off:
            found.append(Part(part.reason, off, part.campaign))
    return tuple(found)


def individual(public: int, discount_share: float) -> tuple[Part, ...]:
    """The customer's own discount, rounded down."""
    off = _share(public, discount_share)
    return (Part("discount", off),) if off else ()


def charge(public: int, shown: tuple[int, ...]) -> int:
    """The lowest of the public price and every price shown to this visit inside the window (invariant 4)."""
    return min((public, *shown))


def quote_bytes(fields: dict[str, object]) -> bytes:
    """What central signs of a quote, so that a till can verify it without central."""
    return QUOTE_CONTEXT + canonical_json(fields)


def _decimal(share: float) -> Decimal:
    return Decimal(str(share))


def _share(amount: int, share: float) -> int:
    return int((amount * _decimal(share)).to_integral_value(ROUND_FLOOR))


def _up(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_CEILING))


def _round_up(amount: int, unit: int) -> int:
    return -(-amount // unit) * unit
