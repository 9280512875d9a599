"""Timeline entries in words."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from central.behaviour import telling
from central.behaviour.schemas import TimelineEntry
from central.behaviour.vocabulary import WORDS

NOW = datetime(2026, 3, 2, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["products", "filters", "sorts", "query", "category", "name", "delivery_days", "sku", "x"])


def entry(kind: str, sku: str | None = None, **properties: object) -> TimelineEntry:
    return TimelineEntry(id=1, at=NOW, kind=kind, source="web", sku=sku, properties=properties)


def test_every_word_of_the_vocabulary_is_said_in_both_languages() -> None:
    for kind in WORDS:
        english, russian = (telling.done(entry(kind), language) for language in ("en", "ru"))
        assert english != kind or kind == "Identify"
        assert english != russian
        assert not russian.isascii()
    assert telling.done(entry("Store Finder Opened"), "ru") == "Store Finder Opened"


def test_what_it_was_about() -> None:
    titles = {"HP-1": "Aurora One"}
    filters = [{"type": "price", "value": {"max": 100}}, {"type": "colour", "value": "black"}]
    asked = entry(
        "Product List Filtered", category="Headphones", filters=filters, sorts=[{"type": "price", "value": "asc"}]
    )
    assert telling.about(asked, titles, "en") == "Headphones · price: –100 · colour: black · price ↑"
    assert telling.about(entry("Product Viewed", "HP-1", name="AURORA", category="x"), titles, "en") == "Aurora One"
    both = entry("Products Compared", products=[{"sku": "HP-1"}, {"product_id": 7}])
    assert telling.about(both, titles, "en") == "Aurora One · 7"
    assert telling.skus([both, asked]) == {"HP-1", "7"}
    assert telling.about(entry("Products Searched", query="light"), titles, "en") == "“light”"
    assert (
        telling.about(entry("Delivery Options Viewed", "HP-1", delivery_days=5), titles, "ru") == "Aurora One · 5 дн."
    )


@given(st.dictionaries(FIELDS, JSON, max_size=6), st.sampled_from([*WORDS, "Other"]))
def test_whatever_a_site_sends_is_told_in_one_short_line(properties: dict[str, object], kind: str) -> None:
    found = entry(kind, **{name: value for name, value in properties.items() if name not in {"sku", "x"}})
    telling.skus([found])
    assert len(telling.about(found, {}, "en")) < 10_000
