"""All rows about one person, found by what each table declares of itself (central.holdings)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ColumnElement, Table, and_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts.tables import Alert
from central.database import Base
from central.holdings import Holding
from central.identity import service as identity
from central.keys import Keys
from central.privacy.tables import Template
from central.profiles.tables import Customer
from central.visits.tables import Visit

_Value = TypeVar("_Value")
CHUNK = 500
"""Values in one condition: SQLite takes 32,766, PostgreSQL plans long lists slowly."""


@dataclass(frozen=True, slots=True)
class Person:
    """By what the rows of somebody are found."""

    subject: str
    owners: tuple[str, ...]
    """Names in the vault, the subject first."""
    customers: tuple[str, ...] = ()
    visits: tuple[tuple[str, str], ...] = ()
    """(store, visit)."""
    templates: tuple[str, ...] = ()
    alerts: tuple[int, ...] = ()


def holding_of(table: Table) -> Holding | None:
    """What the table says about persons."""
    found = table.info.get("holding")
    return found if isinstance(found, Holding) else None


def tables() -> Iterator[tuple[Table, Holding]]:
    """Tables with rows about persons; those that others refer to come first."""
    for table in Base.metadata.sorted_tables:
        holding = holding_of(table)
        if holding is not None:
            yield table, holding


async def find(session: AsyncSession, keys: Keys, subject: str) -> Person:
    """The person with everything that leads to rows of theirs. Ask before anything is deleted."""
    return Person(
        subject=subject,
        owners=tuple(await identity.erasable(session, keys, subject)),
        customers=tuple(await session.scalars(select(Customer.id).where(Customer.subject == subject))),
        visits=tuple(sorted(await _visits(session, subject))),
        templates=tuple(await session.scalars(select(Template.id).where(Template.subject == subject).distinct())),
        alerts=tuple(await session.scalars(select(Alert.id).where(Alert.subject == subject))),
    )


async def _visits(session: AsyncSession, subject: str) -> set[tuple[str, str]]:
    """Visits of theirs, old ones too: a visit forgets its person after a month, a sale made in it does not."""
    found: set[tuple[str, str]] = set()
    for table, holding in tables():
        if holding.by == "subject" and {"store", "visit"} <= set(table.columns.keys()):
            statement = select(table.c.store, table.c.visit).where(table.c[holding.column] == subject).distinct()
            found |= {(row.store, row.visit) for row in (await session.execute(statement)).all() if row.visit}
    others: set[tuple[str, str]] = set()
    for part in _chunks(sorted(found)):
        statement = select(Visit.store, Visit.id).where(tuple_(Visit.store, Visit.id).in_(part))
        named = statement.where(Visit.subject.is_not(None), Visit.subject != subject)
        others |= {(row.store, row.id) for row in (await session.execute(named)).all()}
    own = select(Visit.store, Visit.id).where(Visit.subject == subject)
    return (found - others) | {(row.store, row.id) for row in (await session.execute(own)).all()}


def _chunks(values: Sequence[_Value]) -> Iterator[Sequence[_Value]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def conditions(table: Table, holding: Holding, person: Person) -> Iterator[ColumnElement[bool]]:
    """Conditions that together match the person's rows of a table, each row once."""
    column = table.c[holding.column]
    rest: ColumnElement[bool] = true()
    if holding.also:
        also = table.c[holding.also]
        yield also == person.subject
        # A row found by the visit may name somebody else, whom the person was taken for at first.
        rest = also.is_(None)
    if holding.by == "mention":
        yield column.contains(person.subject, autoescape=True)
    elif holding.by == "visit":
        for visits in _chunks(person.visits):
            yield and_(tuple_(table.c.store, column).in_(visits), rest)
    else:
        for part in _chunks(_names(holding, person)):
            yield and_(column.in_(part), rest)


def _names(holding: Holding, person: Person) -> Sequence[str | int]:
    match holding.by:
        case "customer":
            return person.customers
        case "template":
            return person.templates
        case "alert":
            return person.alerts
        case _:
            return tuple(dict.fromkeys((person.subject, *person.owners)))
