"""Published figures of an interval: whole days from the daily roll-up, the hours at its ends from the hourly one.

Only what the gate let through is read here, and a figure is in the interval in which it ended, whole or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from sqlalchemy import Row, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics.accuracy import accuracy_of
from central.analytics.gather import FOR_EVER
from central.analytics.hours import HOUR, day_start, days_within, hour_end, hour_start, zone_of
from central.analytics.rules import Rules
from central.analytics.schemas import SOURCES, Accuracy, Source
from central.analytics.shelf import Total
from central.analytics.tables import DayFigure, Figure, Held
from central.database import JsonDict

Line = tuple[str, str, str]
"""(series, source, place)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: a store, an interval on its grid, and perhaps one of the sources."""

    store: str
    zone: tzinfo
    start: datetime
    end: datetime
    rules: Rules
    source: Source | None = None

    @classmethod
    def of(
        cls, store: str, timezone: str, start: datetime, end: datetime, rules: Rules, source: Source | None = None
    ) -> Asked:
        """The smallest run of whole hours of the store around the interval."""
        zone = zone_of(timezone)
        return cls(store, zone, hour_start(start, zone), hour_end(end, zone), rules, source)


@dataclass(slots=True)
class Found:
    """Totals of a question, of one source."""

    asked: Asked
    source: Source
    sources: list[Source]
    totals: dict[tuple[str, str], Total] = field(default_factory=dict)
    """(series, place) -> total."""
    held_back: bool = False
    accuracy: Accuracy = field(default_factory=Accuracy)

    def places(self, *series: str) -> list[str]:
        """Places any of the series has figures of."""
        return sorted({place for one, place in self.totals if one in series})

    def total(self, place: str, *series: str) -> Total:
        """The series of a place together."""
        whole = Total()
        for one in series:
            if (part := self.totals.get((one, place))) is not None:
                whole.merge(part)
        return whole

    def head(self) -> dict[str, object]:
        """What every answer begins with."""
        return {
            "start": self.asked.start,
            "end": self.asked.end,
            "source": self.source,
            "sources": self.sources,
            "least_people": self.asked.rules.k,
            "held_back": self.held_back,
            "accuracy": self.accuracy,
        }


async def read(session: AsyncSession, asked: Asked, *series: str) -> Found:
    """Totals of some series, of the source asked for or else of the best there is."""
    totals: dict[Line, Total] = defaultdict(Total)
    for row in await _rows(session, asked, series):
        totals[row.series, row.source, row.place].add(row.people, row.sums)
    return await _found(session, asked, series, totals)


async def read_hours_of_day(session: AsyncSession, asked: Asked, hour: int, *series: str) -> Found:
    """The same for one local hour of each day of the interval."""
    ends = [end for end in _hour_ends(asked) if (end - HOUR).astimezone(asked.zone).hour == hour]
    statement = select(Figure.series, Figure.source, Figure.place, Figure.people, Figure.sums).where(
        Figure.store == asked.store, Figure.series.in_(series), Figure.until.in_(ends)
    )
    totals: dict[Line, Total] = defaultdict(Total)
    for row in (await session.execute(statement)).all():
        totals[row.series, row.source, row.place].add(row.people, row.sums)
    return await _found(session, asked, series, totals)


def _hour_ends(asked: Asked) -> list[datetime]:
    found, at = [], asked.start + HOUR
    while at <= asked.end:
        found.append(at)
        at += HOUR
    return found


async def _rows(session: AsyncSession, asked: Asked, series: Sequence[str]) -> list[Row[str, str, str, int, JsonDict]]:
    first, last = days_within(asked.start, asked.end, asked.zone)
    rows: list[Row[str, str, str, int, JsonDict]] = []
    if first < last:
        columns = (DayFigure.series, DayFigure.source, DayFigure.place, DayFigure.people, DayFigure.sums)
        days = select(*columns).where(
            DayFigure.store == asked.store, DayFigure.series.in_(series), DayFigure.day >= first, DayFigure.day < last
        )
        rows += (await session.execute(days)).all()
        edges = [(asked.start, first), (last, asked.end)]
    else:
        edges = [(asked.start, asked.end)]
    spans = [(Figure.until > low) & (Figure.until <= high) for low, high in edges if low < high]
    if spans:
        columns = (Figure.series, Figure.source, Figure.place, Figure.people, Figure.sums)
        hours = select(*columns).where(Figure.store == asked.store, Figure.series.in_(series), or_(*spans))
        rows += (await session.execute(hours)).all()
    return rows


async def _found(session: AsyncSession, asked: Asked, series: Sequence[str], totals: dict[Line, Total]) -> Found:
    have = {source for _, source, _ in totals}
    sources: list[Source] = [source for source in SOURCES if source in have]
    chosen: Source = asked.source or (sources[0] if sources else "camera")
    found = Found(asked, chosen, sources)
    found.totals = {(one, place): total for (one, source, place), total in totals.items() if source == chosen}
    found.held_back = await _held_back(session, asked, series, chosen)
    cameras = set().union(*(total.cameras for total in found.totals.values()))
    found.accuracy = await accuracy_of(session, asked.store, cameras, asked.end) if chosen != "counter" else Accuracy()
    return found


async def _held_back(session: AsyncSession, asked: Asked, series: Iterable[str], source: str) -> bool:
    statement = (
        select(Held.people)
        .where(
            Held.store == asked.store,
            Held.series.in_(list(series)),
            Held.source == source,
            Held.people > 0,
            or_(
                Held.day == FOR_EVER,
                (Held.day >= day_start(asked.start, asked.zone)) & (Held.day < asked.end),
            ),
        )
        .limit(1)
    )
    return (await session.scalar(statement)) is not None


async def hourly(
    session: AsyncSession, asked: Asked, source: Source, *series: str
) -> Sequence[Row[str, str, datetime, datetime, int, JsonDict]]:
    """Figures one by one: (series, place, start, until, people, sums), oldest first."""
    statement = (
        select(Figure.series, Figure.place, Figure.start, Figure.until, Figure.people, Figure.sums)
        .where(
            Figure.store == asked.store,
            Figure.series.in_(series),
            Figure.source == source,
            Figure.until > asked.start,
            Figure.until <= asked.end,
        )
        .order_by(Figure.until)
    )
    return (await session.execute(statement)).all()


async def daily(session: AsyncSession, asked: Asked, source: Source, *series: str) -> Sequence[Row[str, datetime, int]]:
    """People per whole day: (series, day, people), oldest first."""
    first, last = days_within(asked.start, asked.end, asked.zone)
    statement = (
        select(DayFigure.series, DayFigure.day, DayFigure.people)
        .where(
            DayFigure.store == asked.store,
            DayFigure.series.in_(series),
            DayFigure.source == source,
            DayFigure.day >= first,
            DayFigure.day < last,
        )
        .order_by(DayFigure.day)
    )
    return (await session.execute(statement)).all()
