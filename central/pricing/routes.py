"""Quotes, the price ledger, the rules a store writes, and what rules may ask about the day."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path, Query, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.pricing import dry_run as dry_runs
from central.pricing import ledger as ledgers
from central.pricing import opened as opening
from central.pricing import rulebook, service
from central.pricing.ruleset import parse
from central.pricing.schemas import (
    ConditionIn,
    ConditionOut,
    DryRunIn,
    DryRunOut,
    LedgerLineOut,
    LedgerOut,
    QuoteOut,
    RulesIn,
    RulesOut,
)
from central.pricing.tables import DayCondition, PriceRuleset
from central.rule_files import RuleFileError
from central.runtime import RuntimeDep
from central.staff.access import ManagerDep, ReaderDep
from contract.values import Name, Token, Utc

router = APIRouter(prefix="/api/v1/prices", tags=["pricing"])
StoreQuery = Annotated[Name, Query(description="A store of yours.")]
_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A table", "content": {"text/csv": {"schema": {"type": "string"}}}}
}
_NO_LINE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "No such line, or not yours."}}


@router.get("/quotes", summary="Personal prices of a store or of one visit")
async def quotes(
    runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery, visit: Token | None = None
) -> list[QuoteOut]:
    """Newest first, at most 500."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.quotes(session, store, visit, runtime.clock.now())


@router.get("/ledger", summary="What was quoted, shown, confirmed, charged and voided")
async def ledger(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: StoreQuery,
    sku: Annotated[str | None, Query(max_length=64)] = None,
    label: Annotated[str | None, Query(max_length=40)] = None,
    visit: Token | None = None,
    before: Annotated[Utc | None, Query(description="Older than this: the next page.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[LedgerOut]:
    """Newest first."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await ledgers.entries(session, store, sku=sku, label=label, visit=visit, before=before, limit=limit)


@router.get("/ledger/export", summary="The ledger as a CSV file", response_class=Response, responses=_CSV)
async def export_ledger(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: StoreQuery,
    start: Annotated[Utc, Query(alias="from")],
    end: Annotated[Utc, Query(alias="to")],
) -> Response:
    """Oldest first, the newest 100,000 lines of the time; prices in minor units, nobody is named."""
    principal.check_store(store)
    if principal.kind == "staff" and not principal.may("manager"):
        raise HTTPException(403, "exports need the role manager")
    async with runtime.db.read() as session:
        text = await opening.as_csv(session, store, start, end)
    headers = {"Content-Disposition": f'attachment; filename="{store}-prices.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/ledger/{line}", summary="One line of the ledger with what led to it", responses=_NO_LINE)
async def ledger_line(
    runtime: RuntimeDep, principal: ReaderDep, line: Annotated[int, Path(ge=1, le=2**63 - 1)], store: StoreQuery
) -> LedgerLineOut:
    """From the charge back to the label or phone that confirmed the price, and how it was calculated."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        found = await opening.opened(session, runtime.keys, store, line, runtime.clock.now())
    if found is None:
        raise HTTPException(404, f"there is no line {line} in the ledger of store {store}")
    return found


@router.get("/rules", summary="The price rules in force, and those before them")
async def rules(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery) -> list[RulesOut]:
    """Newest first; the first one is in force. Empty: no rules, only the customers' own discounts."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return [_out(row) for row in await rulebook.history(session, store)]


@router.put("/rules", summary="Put a rule file in force")
async def put_rules(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery, body: RulesIn) -> RulesOut:
    """422 with one line for each mistake (`prices.yaml:LINE: field: what is wrong`); then nothing changed."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        await _store(session, store)
    try:
        async with runtime.change() as effects:
            return _out(await rulebook.activate(effects, store, body.text, principal.reader))
    except RuleFileError as error:
        raise HTTPException(422, str(error)) from None


@router.post("/rules/dry-run", summary="Try a rule file on the last days")
async def dry_run(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery, body: DryRunIn) -> DryRunOut:
    """Every occasion a price could have been given, under the rules in force and under these. Nothing changes."""
    principal.check_store(store)
    try:
        proposed = parse(body.text)
    except RuleFileError as error:
        raise HTTPException(422, str(error)) from None
    async with runtime.db.read() as session:
        row = await _store(session, store)
        return await dry_runs.dry_run(
            session, runtime.vault, row, proposed, runtime.clock.now(), body.days, body.listed
        )


@router.get("/conditions", summary="Facts of the day that rules may ask for")
async def conditions(runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery) -> list[ConditionOut]:
    """Those that still hold."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        statement = select(DayCondition).where(DayCondition.store == store, DayCondition.until > runtime.clock.now())
        rows = (await session.scalars(statement.order_by(DayCondition.name))).all()
    return [ConditionOut(name=row.name, value=row.value, until=row.until) for row in rows]


@router.put("/conditions/{name}", summary="Say what the weather (or anything else) is like")
async def put_condition(
    runtime: RuntimeDep,
    principal: ManagerDep,
    store: StoreQuery,
    name: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,39}$", examples=["weather"])],
    body: ConditionIn,
) -> ConditionOut:
    """Holds until the time given. `region` cannot be set: it belongs to the store."""
    principal.check_store(store)
    if name == "region":
        raise HTTPException(422, "name: `region` is the store's own and cannot be set")
    async with runtime.db.write() as session:
        await _store(session, store)
        row = await session.get(DayCondition, (store, name)) or DayCondition(store=store, name=name)
        row.value, row.until = body.value, body.until
        session.add(row)
    return ConditionOut(name=name, value=body.value, until=body.until)


async def _store(session: AsyncSession, store: str) -> Store:
    row = await session.get(Store, store)
    if row is None:
        raise HTTPException(404, f"there is no store {store!r}")
    return row


def _out(row: PriceRuleset) -> RulesOut:
    return RulesOut(store=row.store, text=row.text, activated_by=row.activated_by, activated_at=row.activated_at)
