"""A row of one person in every table there is, made from the tables themselves: a new table cannot be forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Float, Integer, LargeBinary, String, Table, insert
from sqlalchemy.types import JSON

from central.database import Utc
from central.holdings import Holding
from central.privacy.vault import Vault
from central.tables import metadata

_NUMBERS = count(10_000)


@dataclass
class Life:
    """Somebody with `secret` in every sealed column and `trace` in every clear text of rows that erasure deletes."""

    subject: str
    customer: str
    visit: str
    secret: str
    trace: str
    vault: Vault
    now: datetime
    store: str = "shop"
    alert: int = field(default_factory=lambda: next(_NUMBERS))
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def statements(self, there: Collection[str]) -> Iterator[Any]:
        """One INSERT for every table about persons, parents first, except those that are `there` already."""
        for table in metadata.sorted_tables:
            parents = {key.column.table.info["holding"] for key in table.foreign_keys} - {None}
            if table.name in there or (table.info["holding"] is None and not parents):
                continue
            self.rows[table.name] = row = {column.name: self._value(table, column) for column in table.columns}
            yield insert(table).values(**row)

    def _value(self, table: Table, column: Column[Any]) -> Any:
        for key in column.foreign_keys:
            parent = self.rows.get(key.column.table.name)
            if parent is not None:
                return parent[key.column.name]
        holding: Holding | None = table.info["holding"]
        own = {
            "subject": self.subject, "owner": self.subject, "customer": self.customer, "visit": self.visit,
            "wanted_visit": self.visit, "store": self.store, "template": f"t-{self.customer}", "alert": self.alert,
            "target": self.subject, "asked_by": "customer",
        }  # fmt: skip
        keys = {
            "customers": self.customer,
            "visits": self.visit,
            "templates": f"t-{self.customer}",
            "alerts": self.alert,
        }
        if column.name == "id" and table.name in keys:
            return keys[table.name]
        if own.get(column.name) is not None:
            return own[column.name]
        if holding is not None and holding.by == "mention" and column.name == holding.column:
            return f'{{"subject": "{self.subject}"}} {self.trace}'
        return self._filler(column, holding is not None and holding.erasure == "delete")

    def _filler(self, column: Column[Any], deleted: bool) -> Any:
        kind, text = column.type, self.trace if deleted else "x"
        if isinstance(kind, LargeBinary):
            return self.vault.seal(self.subject, {"text": self.secret})
        if isinstance(kind, Utc | DateTime):
            return self.now
        if isinstance(kind, Boolean):
            return False
        if isinstance(kind, Integer) or (column.primary_key and not isinstance(kind, String)):
            return next(_NUMBERS)
        if isinstance(kind, Float):
            return 1.0
        if isinstance(kind, JSON):
            return {"text": text}
        assert isinstance(kind, String), f"{column}: how is a {kind} filled in?"
        number = str(next(_NUMBERS)) if column.primary_key or column.unique or column.name in _UNIQUE else ""
        return f"{number}{text}"[: kind.length or 200]


_UNIQUE = {"message", "value", "event_id", "session", "reference", "what", "name"}
