"""An import file with a mistake is refused as a whole, and the message names the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from central.errors import MisconfiguredError
from central.imports.service import parse, read


def _refused(document: Any) -> str:
    with pytest.raises(MisconfiguredError) as caught:
        parse(json.dumps(document).encode(), "shop.json")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_good_file_is_taken(import_document: Any) -> None:
    assert parse(json.dumps(import_document()).encode(), "shop.json").store.id == "shop"


def test_an_unknown_sku_is_named(import_document: Any) -> None:
    document = import_document()
    document["store"]["labels"][1]["sku"] = "XX-9"
    assert "store.labels[1].sku: unknown SKU 'XX-9'" in _refused(document)


def test_a_misspelt_key_is_named(import_document: Any) -> None:
    document = import_document()
    document["products"][0]["prise"] = 1
    assert "products[0].prise" in _refused(document)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("products", 0, "price"), -1, "products[0].price"),
        (("products", 0, "currency"), "USD", "products[0].currency"),
        (("store", "zones", 0, "polygon"), [[0, 0]], "store.zones[0].polygon"),
        (("store", "labels", 0, "zone"), "nowhere", "store.labels[0].zone"),
        (("customers", 0, "subject"), "x", "customers[0].subject"),
        (("customers", 0, "consents", "at"), "2026-01-01", "customers[0].consents.at"),
    ],
)
def test_a_wrong_value_is_named(import_document: Any, path: tuple[Any, ...], value: Any, expected: str) -> None:
    document = import_document()
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert expected in _refused(document)


def test_doubles_are_named(import_document: Any) -> None:
    document = import_document()
    document["products"].append(document["products"][0])
    assert "products[2].sku: 'HP-1' is there twice" in _refused(document)


def test_what_is_not_json_is_told_with_line_and_column() -> None:
    with pytest.raises(MisconfiguredError, match="line 2, column"):
        parse(b'{\n "store" 1}', "shop.json")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="cannot be read"):
        read(tmp_path / "none.json")
