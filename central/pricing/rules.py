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
class Offer:
    """A price below the public one, and how it came about. `bonus` is what the customer's bonuses pay."""

    price: int
    bonus: int
    reasons: tuple[str, ...]


def personal_price(
    public: int, cost: int | None, bonuses: int, discount_share: float, rules: PriceRules
) -> Offer | None:
    """Public price - individual discount - usable bonuses, within the limits; None when that gives nothing."""
    discount = _share(public, discount_share)
    bonus = min(bonuses, _share(public, rules.max_bonus_share))
    limit = _share(public, rules.max_discount_share)
    floor = 0 if cost is None else _up(Decimal(cost) * (1 + _decimal(rules.margin_floor_share)))
    wanted = public - min(discount + bonus, limit)
    price = _round_up(max(wanted, floor), rules.round_to_minor)
    if price >= public:
        return None
    reasons = [name for name, amount in (("discount", discount), ("bonuses", bonus)) if amount]
    if discount + bonus > limit:
        reasons.append("limited")
    if floor > wanted:
        reasons.append("margin_floor")
    # The discount is given first: a customer's bonuses are spent only on what remains of the difference.
    spent = min(bonus, max(0, public - price - discount))
    return Offer(price, spent, tuple(reasons))


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
