"""The rights of a person over what is kept about them: to see all of it, and to have it erased (PRIVACY P6, P8).

Both follow what each table declares (central.holdings), so that neither can forget a table.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from central.database import Base
from central.effects import Effects
from central.holdings import Holding
from central.keys import Keys
from central.labels import service as labels
from central.outgoing.tables import OutgoingCommand
from central.privacy import person as persons
from central.privacy import service
from central.privacy.person import Person
from central.privacy.tables import Erasure
from central.privacy.vault import Vault
from central.profiles.tables import Customer, CustomerSession, LoginCode
from central.visits.tables import Visit
from central.webhooks import changes

FORMAT = "vitrina-export/1"
ASKED, DELETED, CLEANING, DONE = "asked", "deleted", "cleaning", "done"
_SEALED_FOR_GOOD = frozenset({"templates"})
"""Opened by nobody but a node, in memory: the export says that it is there."""
Row = dict[str, object]


async def export(
    session: AsyncSession, vault: Vault, keys: Keys, subject: str, now: datetime | None = None
) -> dict[str, object]:
    """Everything kept about one person, as JSON values: by table, sealed columns opened.

    `profile_reads` says who looked; `consent_records` what was agreed to when. Rows that belong to exported rows
    (the lines of a sale) come along under their own table's name.
    """
    whose = await persons.find(session, keys, subject)
    found: dict[str, list[Row]] = {}
    for table, holding in persons.tables():
        if holding.export:
            found[table.name] = await _rows(session, vault, table, holding, whose)
    for table in Base.metadata.sorted_tables:
        if persons.holding_of(table) is None:
            found |= await _belonging(session, table, found)
    return {
        "format": FORMAT,
        "made_at": _plain(now),
        "subject": subject,
        "customers": list(whose.customers),
        "tables": {name: rows for name, rows in found.items() if rows},
    }


async def _rows(session: AsyncSession, vault: Vault, table: Table, holding: Holding, whose: Person) -> list[Row]:
    rows: list[Row] = []
    for condition in persons.conditions(table, holding, whose):
        ordered = select(table).where(condition).order_by(*table.primary_key.columns)
        rows += [_opened(vault, table, dict(row._mapping)) for row in (await session.execute(ordered)).all()]
    return rows


def _opened(vault: Vault, table: Table, row: Mapping[str, object]) -> Row:
    out: Row = {name: _plain(value) for name, value in row.items() if name != "sealed"}
    if table.name in _SEALED_FOR_GOOD:
        return {name: value for name, value in out.items() if not name.startswith("sealed")}
    sealed, owner = row.get("sealed"), row.get("owner") or row.get("subject")
    if isinstance(sealed, bytes) and isinstance(owner, str):
        out["content"] = vault.open(owner, sealed)
    return out


def _plain(value: object) -> object:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


async def _belonging(session: AsyncSession, table: Table, found: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Rows of a table that names nobody, but whose parents are the person's own."""
    for constraint in table.foreign_key_constraints:
        parent = constraint.referred_table
        if persons.holding_of(parent) is None or not found.get(parent.name):
            continue
        names = [element.column.name for element in constraint.elements]
        keys = [tuple(row[name] for name in names) for row in found[parent.name]]
        columns = tuple_(*(element.parent for element in constraint.elements))
        rows: list[Row] = []
        for start in range(0, len(keys), persons.CHUNK):
            statement = select(table).where(columns.in_(keys[start : start + persons.CHUNK]))
            rows += [
                {name: _plain(value) for name, value in row._mapping.items()}
                for row in (await session.execute(statement)).all()
            ]
        return {table.name: rows}
    return {}


async def erase(effects: Effects, subject: str, by: str = "customer") -> str:
    """Begin to erase a person; the number of the receipt. Asked again: the same one, while it is on its way.

    In this transaction consent is taken back with all that follows (cards, labels, templates on nodes), and sessions
    end. `privacy.erasing` deletes the rows and then the keys, whatever crashes in between.
    """
    session = effects.session
    statement = select(Erasure.id).where(Erasure.subject == subject, Erasure.state != DONE)
    known = await session.scalar(statement.limit(1))
    if known is not None:
        return known
    await service.forget_templates(effects, subject, "erased")
    await service.record(
        effects,
        subject,
        {},
        text_version=service.WITHDRAWAL_TEXT,
        text_sha256=service.NO_TEXT,
        channel="erasure",
        given_at=effects.now,
    )
    # Whatever the floor knows: a label that shows this person's price goes back now, for nobody can redeem it any more.
    own = select(Visit).where(Visit.subject == subject)
    await labels.revert_visits(effects, (await session.scalars(own)).all(), "withdrawn")
    named = Customer.subject == subject
    customers = select(Customer.id).where(named)
    for table in (CustomerSession, LoginCode):
        await session.execute(delete(table).where(table.customer.in_(customers)))
    number = secrets.token_hex(16)
    session.add(
        Erasure(
            id=number,
            state=ASKED,
            subject=subject,
            owners=[],
            asked_at=effects.now,
            asked_by=by,
            completed_at=None,
            rows={},
            keys=0,
        )
    )
    for customer, store in (await session.execute(select(Customer.id, Customer.store).where(named))).all():
        await changes.erased(effects, store, customer)
    effects.erasures = True
    return number


async def delete_rows(session: AsyncSession, whose: Person) -> dict[str, int]:
    """Delete or detach the person's rows as each table declares; how many, by table."""
    counts: dict[str, int] = {}
    for table, holding in reversed(list(persons.tables())):
        if holding.erasure == "keep":
            continue
        for condition in persons.conditions(table, holding, whose):
            blank = dict.fromkeys(holding.blank)
            change = table.delete() if holding.erasure == "delete" else table.update().values(blank)
            done = cast("CursorResult[tuple[()]]", await session.execute(change.where(condition)))
            if done.rowcount > 0:
                counts[table.name] = counts.get(table.name, 0) + done.rowcount
    orders = await _personal_prices(session, whose)
    return counts | ({"outgoing_commands": orders} if orders else {})


async def _personal_prices(session: AsyncSession, whose: Person) -> int:
    """Orders to labels to show this person's price: answered or replaced by now, and kept for a week otherwise."""
    names, count = sorted({visit for _, visit in whose.visits}), 0
    for start in range(0, len(names), persons.CHUNK):
        part = names[start : start + persons.CHUNK]
        statement = delete(OutgoingCommand).where(
            OutgoingCommand.kind == "label.show", OutgoingCommand.data["visit"].as_string().in_(part)
        )
        done = cast("CursorResult[tuple[()]]", await session.execute(statement))
        count += done.rowcount
    return count
