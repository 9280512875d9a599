"""Relative search in words: what is understood, what is bound to what, what is reported back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.preferences.grammar import Amount, Reading, Span, read
from central.preferences.lexicon import build, canonical, lexicon
from central.preferences.shelf import scale_in

X, Y, LAST = Span("X"), Span("Y"), "last"
SONY = Span("Sony WH-1000XM5")


def said(text: str) -> Reading:
    return read(text, lexicon())


def comparisons(text: str) -> list[tuple[str, str, object]]:
    return [(one.key, one.direction, one.than) for one in said(text).comparisons]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lighter than X, more bass than Y, under 10,000", [("weight", "less", X), ("bass", "more", Y)]),
        ("легче чем X, больше баса чем Y, до 10 000", [("weight", "less", X), ("bass", "more", Y)]),
        ("Легче, чем X; больше баса, чем Y; до 10 000", [("weight", "less", X), ("bass", "more", Y)]),
        ("lighter, more bass than Y", [("weight", "less", Y), ("bass", "more", Y)]),
        ("lighter than X, more bass", [("weight", "less", X), ("bass", "more", X)]),
        ("lighter, with more bass than the ones I heard", [("weight", "less", LAST), ("bass", "more", LAST)]),
        ("тише", [("noise", "less", LAST)]),
        ("quieter than this one", [("noise", "less", LAST)]),
        ("легче Sony WH-1000XM5 и тише", [("weight", "less", SONY), ("noise", "less", SONY)]),
        ("lighter than 250g", [("weight", "less", Amount(250, "g"))]),
        ("легче 250 г", [("weight", "less", Amount(250, "г"))]),
        ("weight below 0.25 kg", [("weight", "less", Amount(0.25, "kg"))]),
        ("under 250 g", [("weight", "less", Amount(250, "g"))]),
        ("battery at least 20 h", [("battery", "more", Amount(20, "h"))]),
        ("от 20 часов", [("battery", "more", Amount(20, "часов"))]),
        ("less noise than X", [("noise", "less", X)]),
        ("more impedance than X", [("impedance", "more", X)]),
        ("weight lower than X", [("weight", "less", X)]),
    ],
)  # fmt: skip
def test_comparisons(text: str, expected: list[tuple[str, str, object]]) -> None:
    assert comparisons(text) == expected
    assert said(text).unknown == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not heavier than X", ("weight", "less", X)),
        ("no heavier than X", ("weight", "less", X)),
        ("не тяжелее, чем X", ("weight", "less", X)),
        ("не громче 30 дБ", ("noise", "less", Amount(30, "дб"))),
        ("not louder than 30 dB", ("noise", "less", Amount(30, "db"))),
        ("no more bass than X", ("bass", "less", X)),
        ("не меньше баса чем X", ("bass", "more", X)),
        ("weight not higher than X", ("weight", "less", X)),
        ("not more expensive than X", ("price", "less", X)),
    ],
)  # fmt: skip
def test_not_means_the_other_direction_and_the_same_too(text: str, expected: tuple[str, str, object]) -> None:
    (found,) = said(text).comparisons
    assert (found.key, found.direction, found.than, found.or_equal) == (*expected, True)
    assert said(text).unknown == []


def test_not_holds_for_one_comparison_only() -> None:
    found = said("not heavier than X, more bass than Y, not wireless and no noise cancelling, not purple")
    assert [(one.direction, one.or_equal) for one in found.comparisons] == [("less", True), ("more", False)]
    assert found.flags == {"wireless": False, "noise_cancelling": False}
    assert found.unknown == ["not", "purple"]


@pytest.mark.parametrize("text", ["between 150 and 200 g", "weight between 150 g and 200 g", "между 150 и 200 г"])
def test_between(text: str) -> None:
    found = said(text).comparisons
    values = [one.than.value for one in found if isinstance(one.than, Amount)]
    assert [(one.key, one.direction) for one in found] == [("weight", "more"), ("weight", "less")]
    assert values == [150, 200]
    assert all(one.or_equal for one in found)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("under 10,000", None, 10000),
        ("до 10 000 руб.", None, 10000),
        ("под 10", None, None),
        ("from 5k to 9k", 5000, 9000),
        ("between 5,000 and 9,000", 5000, 9000),
        ("между 5 тыс и 9 тыс руб", 5000, 9000),
        ("от 5 тыс до 10 тыс руб", 5000, 10000),
        ("more than 5000, less than 9000", 5000, 9000),
        ("cheaper than 300 euro", None, 300),
        ("дешевле 5000 р", None, 5000),
        ("не дороже 99,90 €", None, 99.9),
        ("at most $1,299.00", None, 1299),
    ],
)
def test_prices(text: str, low: float | None, high: float | None) -> None:
    assert (said(text).price_min, said(text).price_max) == (low, high)


def test_flags_stock_and_what_means_nothing() -> None:
    found = said("headphones with noise cancelling, wobbly, in stock")
    assert (found.flags, found.here, found.unknown) == ({"noise_cancelling": True}, True, ["headphones", "wobbly"])
    found = said("наушники без шумоподавления, в наличии, бесподобные")
    assert (found.flags, found.here, found.unknown) == ({"noise_cancelling": False}, True, ["наушники", "бесподобные"])
    assert said("more").unknown == ["more"]
    assert said("").comparisons == []


@given(st.text(max_size=120))
def test_any_text_is_read(text: str) -> None:
    said(text)


_WORDS = ["lighter", "more", "bass", "than", "X", ",", "under", "10,000", "g", "and", "чем", "легче", "больше", "баса",
          "до", "in", "stock", "with", "without", "noise", "cancelling", "from", "the", "it", "cheaper", "wobbly",
          "€"]  # fmt: skip


@given(st.lists(st.sampled_from(_WORDS), max_size=14))
def test_any_order_of_its_own_words_is_read_and_every_comparison_has_something_to_compare_with(
    words: list[str],
) -> None:
    found = said(" ".join(words))
    assert all(one.than is not None for one in found.comparisons)
    # A word of no meaning never vanishes: reported, or part of a product's name.
    names = " ".join(one.than.text for one in found.comparisons if isinstance(one.than, Span))
    if "wobbly" in words:
        reported = " ".join([*found.unknown, names, *(one.key for one in found.comparisons)])
        assert "wobbly" in reported


def test_a_word_may_not_stand_for_two_things() -> None:
    entries = dict(lexicon().entries)
    entries["other"] = entries["weight"]
    with pytest.raises(ValueError, match="stands for"):
        build(entries)


@pytest.mark.parametrize(
    ("name", "key", "scale"),
    [
        ("weight_g", "weight", ("g", 1.0)),
        ("Вес, кг", "weight", ("g", 1000.0)),
        ("Weight (kg)", "weight", ("g", 1000.0)),
        ("battery_life_h", "battery", ("h", 1.0)),
        ("storage_gb", "storage", ("MB", 1024.0)),
        ("Weight", "weight", None),
        ("weight_h", "weight_h", None),  # no weight is told in hours
        ("model_s", "model_s", None),
        ("weight_class", "weight_class", None),
    ],
)  # fmt: skip
def test_a_catalogues_name_may_carry_the_unit(name: str, key: str, scale: tuple[str, float] | None) -> None:
    assert canonical(name) == key
    assert scale_in(name) == scale
