"""Every table says what it holds about a person, in a way that export and erasure can follow."""

from __future__ import annotations

import pytest
from sqlalchemy import LargeBinary, Table

from central.holdings import Holding
from central.tables import metadata

TABLES = metadata.sorted_tables
NAMES_A_PERSON = {"subject", "customer", "owner"}


def _holding(table: Table) -> Holding | None:
    found = table.info["holding"]
    assert found is None or isinstance(found, Holding)
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_declares_its_person_data(table: Table) -> None:
    assert "holding" in table.info, f"{table.name}: __table_args__ ends with info: holds(...) or info: NOBODY"
    holding = _holding(table)
    if holding is None:
        assert not NAMES_A_PERSON & set(table.columns.keys()), f"{table.name}: a column names a person"
        assert not [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
        return
    assert holding.column in table.columns
    assert not holding.also or holding.also in table.columns
    assert (holding.erasure == "detach") == bool(holding.blank), f"{table.name}: blank= says which columns become null"
    assert all(table.columns[name].nullable for name in holding.blank)
    assert (holding.erasure == "keep") == bool(holding.why), f"{table.name}: why= says why rows are kept"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_sealed_columns_are_called_sealed(table: Table) -> None:
    sealed = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
    assert sealed in ([], ["sealed"]), f"{table.name}: one sealed column, called `sealed`"
    assert not sealed or {"subject", "owner"} & set(table.columns.keys()), f"{table.name}: under whose key?"
