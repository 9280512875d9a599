"""The summary of a person's events: any order, any duplicates and any split into visitors give the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.behaviour import summary
from central.behaviour.filters import in_force
from central.behaviour.interests import interests
from central.behaviour.phrases import phrases
from central.behaviour.reading import EventIn, Read, facts_of, read, true_time
from central.behaviour.vocabulary import WORDS

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
SKUS = st.sampled_from(["A", "B", "C", "D"])
PRODUCT = st.fixed_dictionaries({"sku": SKUS, "category": st.sampled_from(["x", "y"]), "brand": st.just("Acme")})
LINES = st.lists(st.fixed_dictionaries({"sku": SKUS, "quantity": st.integers(1, 3)}), min_size=1, max_size=3)
FILTERS = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["price", "anc"]), "value": st.just("1-9")}), max_size=2
)
SAID = st.one_of(
    st.tuples(
        st.sampled_from(
            ["Product Viewed", "Product Added", "Product Removed", "Product Added to Wishlist", "Reviews Read",
             "Product Removed from Wishlist", "Delivery Options Viewed"]
        ),
        PRODUCT,
    ),
    st.tuples(st.sampled_from(["Cart Viewed", "Products Compared"]), st.fixed_dictionaries({"products": LINES})),
    st.tuples(
        st.just("Order Completed"), st.fixed_dictionaries({"order_id": st.sampled_from(["1", "2"]), "products": LINES})
    ),
    st.tuples(
        st.just("Product List Filtered"),
        st.fixed_dictionaries({"category": st.sampled_from(["x", "y"]), "filters": FILTERS}),
    ),
    st.tuples(st.just("Products Searched"), st.fixed_dictionaries({"query": st.sampled_from(["a", "b"])})),
)  # fmt: skip
# Few distinct moments: events of the same millisecond are the hard ones.
EVENTS = st.lists(st.tuples(st.integers(0, 12), SAID), max_size=40)
Event = tuple[int, str, list[summary.Fact]]


def _numbered(drawn: list[Any]) -> list[Event]:
    return [
        (NOW_MS - day * 86_400_000, f"{place:012x}", facts_of(name, properties, f"{place:012x}"))
        for place, (day, (name, properties)) in enumerate(drawn)
    ]


def _through_json(state: summary.State) -> summary.State:
    return summary.load(json.loads(json.dumps(summary.trim(state))))


def _state(events: list[Event], batch: int = 10_000) -> summary.State:
    state: summary.State = {}
    for start in range(0, len(events), batch):
        for at, mark, facts in events[start : start + batch]:
            summary.apply(state, at, mark, facts)
        state = _through_json(state)
    return state


@settings(max_examples=200, deadline=None)
@given(EVENTS, st.randoms(use_true_random=False), st.integers(1, 7))
def test_order_duplicates_and_batches_change_nothing(drawn: list[Any], random: Any, batch: int) -> None:
    events = _numbered(drawn)
    shuffled = [*events, *random.sample(events, len(events) // 2)]
    random.shuffle(shuffled)
    once, again = _state(events), _state(shuffled, batch)
    assert summary.canonical(once) == summary.canonical(again)
    assert interests(once, NOW) == interests(again, NOW)


@settings(max_examples=100, deadline=None)
@given(EVENTS, st.randoms(use_true_random=False))
def test_the_same_when_caps_are_tiny(drawn: list[Any], random: Any) -> None:
    events = _numbered(drawn)
    shuffled = random.sample(events, len(events))
    before = summary.KEPT
    summary.KEPT = dict.fromkeys(summary.SECTIONS, 3)  # type: ignore[misc]
    try:
        assert summary.canonical(_state(events)) == summary.canonical(_state(shuffled, 2))
    finally:
        summary.KEPT = before  # type: ignore[misc]


@settings(max_examples=100, deadline=None)
@given(EVENTS, st.data())
def test_visitors_of_one_person_add_up(drawn: list[Any], data: st.DataObject) -> None:
    events = _numbered(drawn)
    parts: list[list[Event]] = [[], [], []]
    for event in events:
        parts[data.draw(st.integers(0, 2))].append(event)
    merged: summary.State = {}
    for part in data.draw(st.permutations(parts)):
        summary.merge(merged, _state(part))
    assert summary.canonical(summary.trim(merged)) == summary.canonical(_state(events))


def _interests(*said: tuple[float, str, dict[str, Any]]) -> Any:
    state: summary.State = {}
    for place, (days_ago, name, properties) in enumerate(said):
        mark = f"{place:012x}"
        summary.apply(state, NOW_MS - round(days_ago * 86_400_000), mark, facts_of(name, properties, mark))
    return interests(summary.trim(state), NOW)


def test_filters_in_force_are_those_of_the_last_list_of_each_category() -> None:
    def listed(category: str, *filters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "Product List Filtered", {"category": category, "filters": list(filters)}

    found = _interests(
        (3, *listed("x", {"type": "price", "value": {"max": 100}}, {"type": "bass", "value": "deep"})),
        (2, *listed("y", {"type": "weight", "value": {"max": 250}})),
        (1, *listed("x", {"type": "price", "value": "50-90"})),
    )
    assert [(row.category, row.parameter) for row in found.filters] == [("x", "price"), ("y", "weight")]
    assert (found.price_range.min, found.price_range.max) == (5000, 9000)


def test_barriers_are_seen_and_overcome() -> None:
    looked = [(day, "Product Viewed", {"sku": "A"}) for day in (6, 4, 2)]
    assert [(row.kind, row.sku) for row in _interests(*looked).barriers] == [("waits_for_discount", "A")]
    assert _interests(*looked[:2]).barriers == []
    bought = (1, "Order Completed", {"order_id": "1", "products": [{"sku": "A"}]})
    assert _interests(*looked, bought).barriers == []
    gone = (1, "Product Viewed", {"sku": "B", "availability": "out_of_stock"})
    delivery = (0.5, "Delivery Options Viewed", {"sku": "B", "delivery_days": 7})
    assert [row.kind for row in _interests(gone, delivery).barriers] == ["delivery_time", "out_of_stock"]


def test_a_basket_is_played_again_in_its_own_order() -> None:
    found = _interests(
        (1, "Product Removed", {"sku": "A", "quantity": 1}),
        (3, "Product Added", {"sku": "A", "quantity": 2}),
        (5, "Order Completed", {"order_id": "1", "products": []}),
        (6, "Product Added", {"sku": "B"}),
        (2, "Product Added", {"sku": "C"}),
        (0, "Product Removed", {"sku": "C"}),
    )
    assert [(line.sku, line.quantity) for line in found.abandoned_basket.lines] == [("A", 1)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"type": "price", "value": "100-200"}, {"min": 100.0, "max": 200.0}),
        ({"type": "price", "value": "under-$25"}, {"max": 25.0}),
        ({"type": "price", "value": "до 15000"}, {"max": 15000.0}),
        ({"type": "price", "min": 5, "max": 7}, {"min": 5.0, "max": 7.0}),
        ({"parameter": "color", "values": ["red", "blue", "red"]}, {"values": ["red", "blue"]}),
        ({"type": "wireless", "value": True}, {"values": [True]}),
        ({"type": "", "value": 1}, None),
        ({"type": "x", "value": None}, None),
        ({"type": "x", "value": {"max": "high"}}, None),
    ],
)
def test_filters_as_sites_write_them(written: dict[str, Any], expected: Any) -> None:
    assert next(iter(in_force([written]).values()), None) == expected


def _given(**fields: Any) -> EventIn:
    return EventIn.model_validate({"type": "page", "messageId": "m", "anonymousId": "visitor", **fields})


@settings(deadline=None)
@given(st.integers(-100_000, 100_000), st.integers(0, 100_000))
def test_a_clock_that_is_off_by_any_amount_tells_the_true_time(off_s: int, ago_s: int) -> None:
    sent = NOW + timedelta(seconds=off_s)
    happened = sent - timedelta(seconds=ago_s)
    found = true_time(_given(timestamp=happened, sentAt=sent), NOW, None)
    assert abs(found - (NOW - timedelta(seconds=ago_s))) <= timedelta(seconds=60)
    assert found <= NOW


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["type", "event", "messageId", "anonymousId", "userId", "timestamp", "properties", "context"]),
        st.one_of(
            st.none(), st.text(max_size=5), st.integers(), st.just("track"), st.just("Cart Viewed"),
            st.dictionaries(st.sampled_from(["sku", "products", "filters", "sorts"]), st.lists(st.integers())),
        ),
    )
)  # fmt: skip
def test_garbage_is_refused_by_field_and_never_raises(raw: dict[str, Any]) -> None:
    found = read(0, raw, NOW, None)
    if isinstance(found, Read):
        found.facts("0")
    else:
        assert found.reason
        assert found.field


def test_phrases_for_the_card() -> None:
    found = _interests(
        (1, "Product List Filtered", {"category": "Headphones", "filters": [{"type": "price", "value": {"max": 150}}]}),
        (1, "Products Searched", {"query": "light headphones"}),
        (0.5, "Product Added", {"sku": "HP-1", "category": "Headphones"}),
        (0.1, "Delivery Options Viewed", {"sku": "HP-1", "delivery_days": 5}),
    )
    english, russian = phrases(found, "en"), phrases(found, "ru")
    assert english[0] == "Looks at: Headphones"
    assert "Price: up to 150" in english
    assert "In the basket: HP-1" in english
    assert len(english) == len(russian)
    assert all(any("а" <= letter.lower() <= "я" for letter in line) for line in russian)
    assert phrases(_interests(), "en") == []


def test_the_documentation_knows_every_word_and_its_example_is_taken() -> None:
    text = (Path(__file__).parents[3] / "docs" / "site-events.md").read_text(encoding="utf-8")
    assert [word for word in WORDS if word not in text] == []
    body = json.loads(text.partition("-d '")[2].partition("'\n```")[0])
    found = [read(index, raw, NOW, None) for index, raw in enumerate(body["batch"])]
    assert [event.kind for event in found if isinstance(event, Read)] == ["Product List Filtered", "Product Viewed"]


def test_a_summary_stays_small_however_much_somebody_does() -> None:
    state: summary.State = {}
    for number in range(5000):
        mark, name = f"{number:012x}", ("Product Viewed", "Product Added", "Product Added to Wishlist")[number % 3]
        properties = {"sku": f"SKU-{number}", "category": f"Category {number % 40}", "brand": "Acme"}
        summary.apply(state, NOW_MS - number, mark, facts_of(name, properties, mark))
        if number % 250 == 249:
            summary.trim(state)
    assert len(json.dumps(state)) < 64_000
    assert len(interests(state, NOW).viewed) == 20
