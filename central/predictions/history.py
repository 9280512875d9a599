"""An order history from a file, to measure predictions on a retailer's own past before anything is connected."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from central.errors import MisconfiguredError
from central.predictions.model import Purchase
from central.predictions.population import Clientele

_WANTED: Final = ("customer", "at", "sku")
_DAY_S: Final = 86_400


def read(path: Path) -> Clientele:
    """A CSV with the columns customer, at (ISO 8601), sku and perhaps category; one row for each line of a receipt.

    Rows of one customer at one moment are one basket. MisconfiguredError names the line.
    """
    baskets: dict[tuple[str, float], set[str]] = defaultdict(set)
    categories: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _WANTED if name not in (rows.fieldnames or ())]
            if missing:
                raise MisconfiguredError(f"{path}:1: the first line names the columns; {', '.join(missing)} is missing")
            for row in rows:
                customer, sku = (row["customer"] or "").strip(), (row["sku"] or "").strip()
                if customer and sku:
                    baskets[customer, _day(path, rows.line_num, row["at"])].add(sku)
                    if row.get("category"):
                        categories[sku] = row["category"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MisconfiguredError(f"{path}: cannot be read: {error}") from None
    found = [Purchase(who, day, frozenset(skus)) for (who, day), skus in sorted(baskets.items(), key=_when)]
    return Clientele(found, categories)


def _when(item: tuple[tuple[str, float], set[str]]) -> tuple[float, str]:
    (who, day), _ = item
    return day, who


def _day(path: Path, line: int, text: str | None) -> float:
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        raise MisconfiguredError(
            f"{path}:{line}: at: {text!r} is no time; write 2026-03-02 or 2026-03-02T12:00"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() / _DAY_S
