"""Units, GTINs and prices: pure arithmetic of the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.catalogue.gtin import of_link, same, valid_gtin
from central.catalogue.parameters import parse, read, write
from central.catalogue.prices import effective, lowest

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "unit", "value", "kept"),
    [
        ("198", "г", 198, "g"),
        ("0,25", "кг", 250, "g"),
        ("250 g", None, 250, "g"),
        ("2.5 lb", None, 1133.980925, "g"),
        ("20", "Гц", 20, "Hz"),
        ("40 кГц", None, 40000, "Hz"),
        ("103", "дБ", 103, "dB"),
        ("30 ч", None, 30, "h"),
        ("90 min", None, 1.5, "h"),
        ("1,5 м", None, 1500, "mm"),
        ("12.7", "cm", 127, "mm"),
        ('55"', None, 1397, "mm"),
        ("1 500", "мм", 1500, "mm"),
        ("−3 дБ", None, -3, "dB"),
        ("16 ГБ", None, 16384, "MB"),
    ],
)
def test_units_are_brought_to_one(text: str, unit: str | None, value: float, kept: str) -> None:
    found = parse(text, unit)
    assert (found.value, found.unit) == (pytest.approx(value), kept)
    assert text.split()[0] in found.text


def test_words_switches_and_unknown_units_stay_what_they_are() -> None:
    assert parse("Bluetooth 5.3").value == "Bluetooth 5.3"
    assert parse("есть").value is True
    assert parse("No").value is False
    assert (parse("7", "попугаев").value, parse("7", "попугаев").unit) == (7, "попугаев")
    assert parse("5-7 h").value == "5-7 h"
    assert parse(True).value is True


def test_rows_of_before_are_read_too() -> None:
    stored = {"weight": "250 g", "new": parse("30", "ч").model_dump(), "count": 3}
    found = read(stored)
    assert (found["weight"].value, found["new"].unit, found["count"].value) == (250, "h", 3)
    assert read(write(found)) == found


@given(st.floats(0.001, 1e6, allow_nan=False), st.sampled_from([("кг", 1000.0), ("г", 1.0), ("kg", 1000.0)]))
def test_a_weight_is_the_same_in_any_unit(amount: float, unit: tuple[str, float]) -> None:
    found = parse(f"{amount:.6f}", unit[0])
    assert found.value == pytest.approx(float(f"{amount:.6f}") * unit[1], rel=1e-6, abs=1e-6)
    assert found.unit == "g"


def test_gtins() -> None:
    assert valid_gtin("4006381333931")
    assert not valid_gtin("4006381333932")
    assert "04006381333931" in same("4006381333931")
    assert of_link("https://id.example/01/04006381333931?lot=1") == "04006381333931"
    assert of_link("/01/4006381333931/21/77") == "4006381333931"
    assert of_link("http://[broken") is None
    assert of_link("https://example.com/4006381333931x") is None


def test_a_sale_begins_and_ends() -> None:
    day = timedelta(days=1)
    assert effective(100, None, None, None, NOW) == 100
    assert effective(100, 80, NOW, NOW + day, NOW) == 80
    assert effective(100, 80, NOW - day, NOW, NOW) == 100
    assert effective(100, 80, NOW + day, None, NOW) == 100
    assert effective(100, 120, None, None, NOW) == 100


@given(
    st.lists(st.tuples(st.integers(-90 * 24, 24), st.integers(1, 1000)), max_size=30, unique_by=lambda item: item[0])
)
def test_the_lowest_price_is_that_of_a_plain_scan_of_hours(changes: list[tuple[int, int]]) -> None:
    prices = [(NOW + timedelta(hours=hour), price) for hour, price in changes]
    in_force = []
    for hour in range(-30 * 24, 0):
        before = [(at, price) for at, price in changes if at <= hour]
        if before:
            in_force.append(max(before)[1])
    assert lowest(prices, NOW) == min(in_force, default=None)
