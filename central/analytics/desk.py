"""One run of the gate over a store: what waits, what is published, and the days that change by it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics import shelf
from central.analytics.disclosure import (
    Amount,
    Cell,
    HeatCell,
    Published,
    publish,
    publish_cells,
    publish_leaving,
    publish_part,
)
from central.analytics.gather import Grid, Key, Slot
from central.analytics.hours import HOUR, day_start, next_day
from central.analytics.tables import DayFigure, Figure, Held
from central.database import JsonDict

STOPPED = ("stopped", "scanned")
"""Series of those among whom the buyers are."""
_INSTANT = timedelta(milliseconds=1)


class Desk:
    """Collects in memory; `close` writes."""

    def __init__(self, session: AsyncSession, grid: Grid, k: int) -> None:
        self._session, self._grid, self._k = session, grid, k
        self._held: dict[Key, Held] = {}
        self._fresh: list[tuple[Key, Figure]] = []
        self._counts: dict[tuple[str, str, datetime], int] = {}

    async def open(self) -> None:
        """Read what waits."""
        rows = (await self._session.scalars(select(Held).where(Held.store == self._grid.store))).all()
        self._held = {Key(row.series, row.source, row.place, row.day): row for row in rows}

    async def bring(self, slot: Slot, amount: Amount) -> None:
        """Add an hour to what waits of its series and publish what may be."""
        row = self._held.get(slot.key)
        if row is not None and (row.people or shelf.anything(row.sums)):
            amount.add(shelf.held(row.start, row.until, row.people, row.sums))
        figure, rest = await self._judge(slot.key, amount)
        if figure is not None:
            self._publish(slot.key, figure.start, figure.until, figure.people, shelf.figure_sums(figure))
        waiting = rest or Amount(slot.hour, slot.hour)
        self._keep(slot.key, waiting.start, waiting.until, waiting.people, shelf.keep(waiting))

    async def _judge(self, key: Key, amount: Amount) -> tuple[Published | None, Amount | None]:
        if key.series == "out":
            came, gone = await self._count("in", key), await self._count("out", key)
            # Those who are told late leave late: no earlier hour's "came minus left" changes.
            amount.until = max(amount.until, await self._latest(key))
            return publish_leaving(amount, came, gone, self._k)
        if key.series == "bought":
            figure = publish_part(amount, await self._stopped(key, amount), self._k)
        elif key.series == "ordered":
            # Not kept for later: the same person may order again tomorrow and would count twice.
            return publish(amount, self._k), None
        else:
            figure = publish(amount, self._k)
        return (figure, None) if figure is not None else (None, amount)

    async def _count(self, series: str, key: Key) -> int:
        """People published of the day so far."""
        name = (series, key.source, key.day)
        if name not in self._counts:
            statement = select(func.coalesce(func.sum(Figure.people), 0)).where(
                Figure.store == self._grid.store,
                Figure.series == series,
                Figure.source == key.source,
                Figure.day == key.day,
                Figure.until > key.day,
            )
            fresh = sum(row.people for one, row in self._fresh if (one.series, one.source, one.day) == name)
            self._counts[name] = int(await self._session.scalar(statement) or 0) + fresh
        return self._counts[name]

    async def _latest(self, key: Key) -> datetime:
        """End of the last published hour of the day's door."""
        statement = select(func.max(Figure.until)).where(
            Figure.store == self._grid.store,
            Figure.series.in_(("in", "out")),
            Figure.source == key.source,
            Figure.day == key.day,
            Figure.until > key.day,
        )
        fresh = [
            row.until
            for one, row in self._fresh
            if one.series in ("in", "out") and (one.source, one.day) == (key.source, key.day)
        ]
        latest: datetime | None = await self._session.scalar(statement)
        return max([*fresh, *([latest] if latest else [])], default=key.day)

    async def _stopped(self, key: Key, amount: Amount) -> int:
        """Those who stopped there in the time of the amount, as published."""
        statement = select(func.coalesce(func.sum(Figure.people), 0)).where(
            Figure.store == self._grid.store,
            Figure.series.in_(STOPPED),
            Figure.source == key.source,
            Figure.place == key.place,
            Figure.until > amount.start,
            Figure.start < amount.until,
        )
        fresh = sum(
            row.people
            for one, row in self._fresh
            if one.series in STOPPED
            and (one.source, one.place) == (key.source, key.place)
            and row.until > amount.start
            and row.start < amount.until
        )
        return int(await self._session.scalar(statement) or 0) + fresh

    def bring_heat(self, slot: Slot, cells: dict[Cell, HeatCell], cameras: frozenset[str]) -> None:
        """The same for the cells of an hour."""
        row, start, until = self._held.get(slot.key), slot.hour, slot.hour + HOUR
        if row is not None and shelf.anything(row.sums):
            before, others = shelf.held_cells(row.sums)
            start, until, cameras = min(start, row.start), max(until, row.until), cameras | others
            for place, cell in before.items():
                have = cells.setdefault(place, HeatCell())
                have.seconds, have.people = have.seconds + cell.seconds, have.people + cell.people
        shown, waiting = publish_cells(cells, self._k)
        if shown:
            self._publish(slot.key, start, until, self._k, shelf.heat_sums(shown, cameras))
        self._keep(slot.key, start, until, len(waiting), shelf.keep_cells(waiting, cameras))

    def _publish(self, key: Key, start: datetime, until: datetime, people: int, sums: JsonDict) -> None:
        names = {"series": key.series, "source": key.source, "place": key.place, "day": key.day}
        row = Figure(store=self._grid.store, **names, start=start, until=until, people=people, sums=sums)
        self._fresh.append((key, row))
        name = (key.series, key.source, key.day)
        if name in self._counts:
            self._counts[name] += people

    def _keep(self, key: Key, start: datetime, until: datetime, people: int, sums: JsonDict) -> None:
        row = self._held.get(key)
        if row is None:
            names = {"series": key.series, "source": key.source, "place": key.place, "day": key.day}
            row = self._held[key] = Held(store=self._grid.store, **names)
            self._session.add(row)
        row.start, row.until, row.people, row.sums = start, until, people, sums

    async def close(self) -> int:
        """Write the figures and make their days anew."""
        self._session.add_all([row for _, row in self._fresh])
        await self._session.flush()
        zone = self._grid.zone
        days = {(key.series, day_start(row.until - _INSTANT, zone)) for key, row in self._fresh}
        for series, day in sorted(days):
            await self._add_up(series, day, next_day(day, zone))
        return len(self._fresh)

    async def _add_up(self, series: str, day: datetime, after: datetime) -> None:
        """One day of one series from its figures: run again, it gives the same."""
        mine = (Figure.store == self._grid.store, Figure.series == series, Figure.until > day, Figure.until <= after)
        columns = (Figure.source, Figure.place, Figure.people, Figure.sums)
        totals: dict[tuple[str, str], shelf.Total] = defaultdict(shelf.Total)
        for source, place, people, sums in (await self._session.execute(select(*columns).where(*mine))).all():
            totals[source, place].add(people, sums)
        whose = (DayFigure.store == self._grid.store, DayFigure.series == series, DayFigure.day == day)
        await self._session.execute(delete(DayFigure).where(*whose).execution_options(synchronize_session=False))
        rows = [
            {
                "store": self._grid.store,
                "series": series,
                "day": day,
                "source": source,
                "place": place,
                "people": total.people,
                "sums": total.told(),
            }
            for (source, place), total in sorted(totals.items())
        ]
        if rows:
            await self._session.execute(insert(DayFigure), rows)
