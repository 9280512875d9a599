"""What each consultant contributed: the report, one consultant opened, the formula."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_percent
from fastapi import APIRouter, Form, HTTPException, Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from central.catalogue.tables import Store
from central.contribution import report as reports
from central.contribution import service
from central.contribution.formula import DEFAULT_TEXT
from central.rule_files import RuleFileError
from central.web import errors
from central.web.page import Page, PageDep

router = APIRouter(include_in_schema=False)
Day = Annotated[date | None, Query()]


@router.get("/contribution")
async def page(page: PageDep, first: Day = None, last: Day = None) -> Response:
    """Managers see everybody; a consultant sees themselves."""
    gone = errors.not_installed(page.request)
    if gone is not None:
        return gone
    first, last = _days(page, first, last)
    start, end = _period(page, first, last)
    only = None if page.principal.may("manager") else page.principal.name
    async with page.runtime.db.read() as session:
        found = await reports.report(session, await _store(session, page), start, end, only)
        row = await service.current(session, page.store.id)
    most = max((item.amount for item in found.consultants), default=0) or 1
    values = {
        "found": found,
        "most": most,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "text": row.text if row else DEFAULT_TEXT,
        **_words(page),
    }
    return page.show("contribution.html", values)


@router.get("/contribution/all/sales")
async def sales(page: PageDep, first: Day = None, last: Day = None) -> Response:
    """Every line behind the total, and what of it is nobody's."""
    page.need("manager")
    first, last = _days(page, first, last)
    async with page.runtime.db.read() as session:
        found = await reports.sold(session, page.store.id, *_period(page, first, last))
    values = {"found": found, "first": first.isoformat(), "last": last.isoformat(), **_words(page)}
    return page.show("contribution_sales.html", values)


@router.get("/contribution/{consultant}")
async def detail(page: PageDep, consultant: str, first: Day = None, last: Day = None) -> Response:
    """Every line behind one number, and every deed behind a line."""
    if consultant != page.principal.name and not page.principal.may("manager"):
        raise HTTPException(404, "no such consultant")
    first, last = _days(page, first, last)
    start, end = _period(page, first, last)
    async with page.runtime.db.read() as session:
        found = await reports.detail(session, page.store.id, consultant, start, end)
    values = {"found": found, "first": first.isoformat(), "last": last.isoformat(), **_words(page)}
    return page.show("contribution_detail.html", values)


@router.post("/contribution/formula")
async def formula(page: PageDep, text: Annotated[str, Form(max_length=20_000)]) -> Response:
    """Put a formula in force, or say what is wrong with it."""
    page.need("manager")
    try:
        async with page.runtime.change() as effects:
            row = await service.activate(effects, page.store.id, text.replace("\r\n", "\n"), page.principal.reader)
            since = _moment(page, row.activated_at, "d MMM y, HH:mm")
    except RuleFileError as error:
        return page.show("prices_result.html", {"problems": error.problems})
    return page.show("contribution_saved.html", {"since": since})


def _days(page: Page, first: date | None, last: date | None) -> tuple[date, date]:
    """The last 30 days unless told otherwise; a year at most."""
    today = page.runtime.clock.now().astimezone(ZoneInfo(page.store.timezone)).date()
    last = min(last or today, today)
    first = first or last - timedelta(days=29)
    return max(min(first, last), last - timedelta(days=365)), last


def _period(page: Page, first: date, last: date) -> tuple[datetime, datetime]:
    zone = ZoneInfo(page.store.timezone)
    return datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)


def _words(page: Page) -> dict[str, object]:
    return {
        "money": page.money,
        "moment": lambda at: _moment(page, at, "d MMM, HH:mm"),
        "percent": lambda share: format_percent(share, locale=page.language),
        "day": lambda text: format_date(date.fromisoformat(text), "d MMM y", locale=page.language),
    }


def _moment(page: Page, at: datetime, pattern: str) -> str:
    return str(format_datetime(at.astimezone(ZoneInfo(page.store.timezone)), pattern, locale=page.language))


async def _store(session: AsyncSession, page: Page) -> Store:
    row = await session.get(Store, page.store.id)
    if row is None:
        raise HTTPException(404, "no such store")
    return row
