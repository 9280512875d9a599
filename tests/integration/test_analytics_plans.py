"""A month is answered from the roll-ups by index, in a handful of statements, however many visitors there were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from central.analytics import service
from central.analytics.reading import Asked
from central.analytics.rules import Rules
from central.analytics.tables import DayFigure, Figure

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS, STORES = 120, 4
RAW = ("stays", "crossings", "occupancy_minutes", "queue_minutes", "group_entries", "events", "zone_presence")
QUESTIONS: dict[str, tuple[Any, int]] = {
    "footfall": (lambda session, asked: service.footfall(session, asked, "hour"), 6),
    "days": (lambda session, asked: service.footfall(session, asked, "day"), 6),
    "dwell": (service.dwell, 5),
    "funnel": (service.funnel, 5),
    "queues": (service.queues, 6),
    "heatmap": (service.heatmap, 5),
    "heat of an hour": (lambda session, asked: service.heatmap(session, asked, 12), 4),
}
SERIES = ("in", "out", "passed", "stopped", "queue", "groups", "heat")


async def _fill(shop: Any) -> None:
    """Figures of many stores and days; what they say does not matter here."""
    days, hours = [], []
    for store in range(STORES):
        for number in range(DAYS):
            day = START + timedelta(days=number)
            for series in SERIES:
                place = "0.25" if series == "heat" else ""
                row = {"store": f"s{store}", "series": series, "source": "camera", "place": place, "people": 10}
                days.append({**row, "day": day, "sums": {"places": [33558529], "seconds": [5.0]}})
                for hour in range(9, 21):
                    start = day + timedelta(hours=hour)
                    times = {"start": start, "until": start + timedelta(hours=1), "day": day}
                    hours.append({**row, **times, "sums": {"places": [33558529], "seconds": [5.0]}})
    async with shop.runtime.db.write() as session:
        await session.execute(insert(DayFigure), days)
        await session.execute(insert(Figure), hours)
    async with shop.runtime.db.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE"))


@contextmanager
def _heard(shop: Any) -> Iterator[list[tuple[str, Any]]]:
    """The statements that go to the database."""
    said: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            said.append((statement, parameters))

    engine = shop.runtime.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", listen)


async def _plan(shop: Any, statement: str, parameters: Any) -> str:
    how = "EXPLAIN QUERY PLAN " if shop.runtime.db.sqlite else "EXPLAIN "
    async with shop.runtime.db.engine.connect() as connection:
        rows = (await connection.exec_driver_sql(how + statement, parameters)).all()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("length", [30, 31.25])
async def test_a_month_is_read_from_the_roll_ups_by_index(shop: Any, length: float) -> None:
    await _fill(shop)
    begin = START + timedelta(days=60)
    asked = Asked.of("s1", "UTC", begin, begin + timedelta(days=length), Rules())
    for name, (question, most) in QUESTIONS.items():
        with _heard(shop) as said:
            async with shop.runtime.db.read() as session:
                answer = await question(session, asked)
        assert len(said) <= most, (name, len(said))
        assert answer.sources == ["camera"]
        for statement, parameters in said:
            assert not [table for table in RAW if f"FROM {table}" in statement], (name, statement)
            if "analytics_figures" in statement or "analytics_days" in statement:
                plan = await _plan(shop, statement, parameters)
                assert "Seq Scan on analytics" not in plan, (name, plan)
                assert "SCAN analytics" not in plan, (name, plan)
