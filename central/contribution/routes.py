"""Contribution: consultants see their own, managers their whole store."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.contribution import report as reports
from central.contribution import service
from central.contribution.formula import DEFAULT_TEXT
from central.contribution.schemas import DetailOut, FormulaIn, FormulaOut, ReportOut, SoldOut
from central.contribution.tables import ContributionFormula
from central.rule_files import RuleFileError
from central.runtime import RuntimeDep
from central.staff.access import ManagerDep, StaffDep
from contract.values import Name, Utc

router = APIRouter(prefix="/api/v1/contribution", tags=["contribution"])
StoreQuery = Annotated[Name, Query(description="A store of yours.")]
From = Annotated[Utc, Query(alias="from", examples=["2026-11-01T00:00:00Z"])]
To = Annotated[Utc, Query(alias="to", examples=["2026-12-01T00:00:00Z"])]


@router.get("", summary="What each consultant contributed to sales")
async def report(runtime: RuntimeDep, principal: StaffDep, store: StoreQuery, start: From, end: To) -> ReportOut:
    """A consultant gets their own line only. `sold` less `shared` belongs to nobody."""
    principal.check_store(store)
    only = None if principal.may("manager") else principal.name
    async with runtime.db.read() as session:
        return await reports.report(session, await _store(session, store), start, end, only)


@router.get("/formula", summary="The formula in force")
async def formula(runtime: RuntimeDep, principal: StaffDep, store: StoreQuery) -> FormulaOut:
    """Open to everybody it is applied to."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        await _store(session, store)
        return out(await service.current(session, store))


@router.put("/formula", summary="Put another formula in force")
async def put_formula(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery, body: FormulaIn) -> FormulaOut:
    """For sales and evidence from now on; 422 names each mistake with its line."""
    principal.check_store(store)
    try:
        async with runtime.change() as effects:
            await _store(effects.session, store)
            return out(await service.activate(effects, store, body.text, principal.reader))
    except RuleFileError as error:
        raise HTTPException(422, str(error)) from None


@router.get("/sales", summary="Every line behind what was sold, and how much of it is shared")
async def sales(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery, start: From, end: To) -> list[SoldOut]:
    """Newest first, at most 500; what is not shared is nobody's."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        await _store(session, store)
        return await reports.sold(session, store, start, end)


@router.get("/consultants/{consultant}", summary="Everything behind one consultant's number")
async def detail(
    runtime: RuntimeDep,
    principal: StaffDep,
    consultant: Annotated[str, Path(max_length=80)],
    store: StoreQuery,
    start: From,
    end: To,
) -> DetailOut:
    """Lines of sales, and for each the deeds with their points. 404 for a colleague's, unless you are a manager."""
    principal.check_store(store)
    if consultant != principal.name and not principal.may("manager"):
        raise HTTPException(404, f"there is no consultant {consultant!r}")
    async with runtime.db.read() as session:
        await _store(session, store)
        return await reports.detail(session, store, consultant, start, end)


async def _store(session: AsyncSession, store: str) -> Store:
    row = await session.get(Store, store)
    if row is None:
        raise HTTPException(404, f"there is no store {store!r}")
    return row


def out(row: ContributionFormula | None) -> FormulaOut:
    """A row, or the default formula."""
    if row is None:
        return FormulaOut(number=None, text=DEFAULT_TEXT, activated_by=None, activated_at=None)
    return FormulaOut(number=row.id, text=row.text, activated_by=row.activated_by, activated_at=row.activated_at)
