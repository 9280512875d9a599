"""Price rules: what is in force, a trial on the last days, and the ledger of what was shown and charged."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_percent
from fastapi import APIRouter, Form, HTTPException, Path, Query
from starlette.responses import Response

from central.catalogue.tables import Store
from central.pricing import dry_run as dry_runs
from central.pricing import ledger, rulebook
from central.pricing import opened as opening
from central.pricing.ruleset import Ruleset, parse
from central.rule_files import Problem, RuleFileError
from central.web import errors
from central.web.page import Page, PageDep

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=256_000)]
LINES: Final = 60
EXAMPLE: Final = """version: 1
rules:
  - id: abandoned-basket
    title: {en: You left it in your basket, ru: Вы оставили это в корзине}
    when: {interest: [abandoned_basket]}
    give: {share: 0.05}
    campaign: autumn
  - id: weekday-morning
    when: {days: [mon, tue, wed, thu, fri], hours: 10:00-12:00}
    give: {amount: 300}
campaigns:
  - {id: autumn, budget: 500000, uses_per_customer: 1}
"""
"""Shown where no rules are in force yet; nothing happens until somebody puts them in force."""


@router.get("/prices")
async def page(page: PageDep, sku: Annotated[str | None, Query(max_length=64)] = None) -> Response:
    """The whole page."""
    page.need("manager")
    gone = errors.not_installed(page.request)
    if gone is not None:
        return gone
    async with page.runtime.db.read() as session:
        row = await rulebook.current(session, page.store.id)
        entries = await ledger.entries(session, page.store.id, sku=sku or None, limit=LINES)
    values = {
        "text": row.text if row else EXAMPLE,
        "in_force": _since(page, row.activated_at) if row else None,
        "entries": entries,
        "sku": sku or "",
        "period": _last_days(page),
        "money": page.money,
        "moment": lambda at: _since(page, at, "d MMM, HH:mm"),
    }
    return page.show("prices.html", values)


@router.get("/prices/ledger/{line}")
async def line(page: PageDep, line: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
    """A charge, or any other line, down to what a label confirmed."""
    page.need("manager")
    async with page.runtime.db.read() as session:
        found = await opening.opened(session, page.runtime.keys, page.store.id, line, page.runtime.clock.now())
    if found is None:
        raise HTTPException(404, "no such line")
    values = {
        "found": found,
        "money": page.money,
        "moment": lambda at: _since(page, at, "d MMM, HH:mm:ss"),
    }
    return page.show("prices_line.html", values)


@router.post("/prices/try")
async def try_out(page: PageDep, text: Text) -> Response:
    """What the text would have given in the last 30 days, or its mistakes."""
    page.need("manager")
    proposed, problems = _read(text)
    if proposed is None:
        return page.show("prices_result.html", {"problems": problems})
    async with page.runtime.db.read() as session:
        store = await session.get(Store, page.store.id)
        if store is None:
            raise HTTPException(404, "no such store")
        found = await dry_runs.dry_run(session, page.runtime.vault, store, proposed, page.runtime.clock.now(), 30)
    values = {
        "problems": (),
        "found": found,
        "money": page.money,
        "percent": lambda share: format_percent(share, locale=page.language),
        "moment": lambda at: _since(page, at, "d MMM, HH:mm"),
    }
    return page.show("prices_result.html", values)


@router.post("/prices/activate")
async def activate(page: PageDep, text: Text) -> Response:
    """Put the text in force, or say what is wrong with it."""
    page.need("manager")
    _, problems = _read(text)
    if problems:
        return page.show("prices_result.html", {"problems": problems})
    async with page.runtime.change() as effects:
        row = await rulebook.activate(effects, page.store.id, text, page.principal.reader)
        since = _since(page, row.activated_at)
    return page.show("prices_result.html", {"problems": (), "found": None, "activated": since})


def _last_days(page: Page) -> str:
    """The 30 days of the file, as a query."""
    now = page.runtime.clock.now()
    start, end = now - timedelta(days=30), now + timedelta(minutes=1)
    return urlencode({"store": page.store.id, "from": start.isoformat(), "to": end.isoformat()})


def _read(text: str) -> tuple[Ruleset | None, tuple[Problem, ...]]:
    """Browsers send lines with CR LF; a file kept in force has plain ones."""
    try:
        return parse(text.replace("\r\n", "\n")), ()
    except RuleFileError as error:
        return None, error.problems


def _since(page: Page, at: datetime, pattern: str = "d MMM y, HH:mm") -> str:
    local = at.astimezone(ZoneInfo(page.store.timezone))
    return str(format_datetime(local, pattern, locale=page.language))
