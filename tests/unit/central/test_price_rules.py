"""Every guard rail of a personal price, for any product, customer and limits."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from central.pricing.disclosure import disclosure
from central.pricing.rules import Part, PriceRules, charge, individual, personal_price

share = st.integers(0, 1000).map(lambda n: n / 1000)
money = st.integers(0, 10**9)
rules = st.builds(
    PriceRules,
    max_discount_share=share,
    max_bonus_share=share,
    margin_floor_share=share,
    round_to_minor=st.sampled_from([1, 5, 10, 100, 1000]),
)
parts = st.lists(st.builds(Part, st.sampled_from(["discount", "weekend", "loyal"]), money), max_size=4).map(tuple)


@given(money, st.none() | money, money, parts, rules)
def test_guard_rails(public: int, cost: int | None, bonuses: int, off: tuple[Part, ...], limits: PriceRules) -> None:
    offer = personal_price(public, cost, bonuses, off, limits)
    if offer is None:
        return
    assert 0 <= offer.price < public
    assert public - offer.price <= public * Decimal(str(limits.max_discount_share))
    if cost is not None:
        assert offer.price >= cost * (1 + Decimal(str(limits.margin_floor_share)))
    assert offer.price % limits.round_to_minor == 0
    assert 0 <= offer.bonus <= min(bonuses, public - offer.price)
    assert offer.bonus <= public * Decimal(str(limits.max_bonus_share))
    assert offer.reasons


@given(money, st.none() | money, money, parts, rules, money)
def test_never_above_what_was_promised_before(
    public: int, cost: int | None, bonuses: int, off: tuple[Part, ...], limits: PriceRules, promised: int
) -> None:
    offer = personal_price(public, cost, bonuses, off, limits, promised)
    if offer is None:
        assert promised >= public
        return
    assert offer.price < public
    assert offer.price <= max(promised, 0)
    free = personal_price(public, cost, bonuses, off, limits)
    assert offer.price == min(promised, free.price if free else promised)


@given(money, st.none() | money, money, parts, rules)
def test_what_is_given_adds_up_to_the_difference_at_most(
    public: int, cost: int | None, bonuses: int, off: tuple[Part, ...], limits: PriceRules
) -> None:
    offer = personal_price(public, cost, bonuses, off, limits)
    if offer is not None:
        assert sum(part.off for part in offer.parts) + offer.bonus <= public - offer.price
        assert all(part.off > 0 for part in offer.parts)


@given(money, parts, rules)
def test_more_bonuses_never_make_it_dearer(public: int, off: tuple[Part, ...], limits: PriceRules) -> None:
    few = personal_price(public, None, 0, off, limits)
    many = personal_price(public, None, public, off, limits)
    if few is not None:
        assert many is not None
        assert many.price <= few.price


@given(money, st.lists(money, max_size=5))
def test_never_charged_above_what_was_shown(public: int, shown: list[int]) -> None:
    charged = charge(public, tuple(shown))
    assert all(charged <= price for price in (public, *shown))
    assert charged in (public, *shown)


def test_bonuses_pay_only_what_the_discount_left() -> None:
    limits = PriceRules(max_discount_share=0.15, max_bonus_share=0.5)
    offer = personal_price(10_000, None, 2_000, individual(10_000, 0.1), limits)
    assert offer is not None
    assert (offer.price, offer.bonus) == (8_500, 500)
    assert "limited" in offer.reasons


def test_a_promise_outlives_the_rule_it_came_from() -> None:
    offer = personal_price(10_000, 9_900, 0, (), PriceRules(), promised=9_000)
    assert offer is not None
    assert (offer.price, offer.reasons, offer.parts) == (9_000, ("promised",), ())


def test_a_prescribed_text_is_not_replaced_by_the_stores_own() -> None:
    assert disclosure("US-NY", "en", {"en": "ours"}).startswith("THIS PRICE WAS SET BY AN ALGORITHM")
    assert disclosure("EU", "en", {"en": "ours"}) == "ours"
    assert disclosure("EU", "ru", {"en": "ours"})
