"""What the shop knows of the signed-in customer: tried, visits, who looked; taking it along, having it erased."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from central.baskets import service as baskets
from central.baskets.schemas import BasketOut
from central.catalogue.tables import Product, Store
from central.preferences import service as preferences
from central.preferences.lexicon import lexicon
from central.preferences.schemas import Tried
from central.preferences.wording import Wording
from central.privacy.service import purposes_of
from central.profiles import phone
from central.profiles.phone_schemas import History
from central.runtime import Runtime, RuntimeDep
from central.staff.access import PageCustomerDep, Principal
from central.web import errors, i18n
from central.web.page import render

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Mine:
    """Everything of the page."""

    tried: list[Tried]
    titles: dict[str, str]
    basket: BasketOut | None
    profile: bool
    history: History
    timezone: ZoneInfo
    language: i18n.Language = field(default="en")

    def money(self, minor: int, currency: str) -> str:
        """An amount in words."""
        return Wording(self.language, currency, lexicon(), {}).money(minor)

    def when(self, at: datetime) -> str:
        """A time as the shop's clock and the reader's language have it."""
        return format_datetime(at.astimezone(self.timezone), "d MMM y, HH:mm", locale=self.language)


@router.get("/me/mine")
async def mine(request: Request, runtime: RuntimeDep, me: PageCustomerDep) -> Response:
    """Only for the customer themselves."""
    gone = errors.not_installed(request)
    if gone is not None:
        return gone
    if me is None:
        return RedirectResponse("/me", 303)
    language = i18n.choose(request)
    async with runtime.db.read() as session:
        found = await _mine(session, runtime, me, language)
    return render(request, "me_mine.html", {"mine": found, "principal": me})


async def _mine(session: AsyncSession, runtime: Runtime, me: Principal, language: i18n.Language) -> Mine:
    subject, store = me.subject or "", await session.get(Store, me.store)
    tried = await preferences.tried(session, runtime.vault, subject)
    titles: dict[str, str] = {}
    for entry in tried:
        row = await session.get(Product, (entry.store, entry.sku))
        titles[entry.sku] = _title(row, language) if row else entry.sku
    zone = ZoneInfo(store.timezone if store else "UTC")
    kept = await baskets.of_subject(session, runtime.vault, subject, runtime.clock.now(), me.store)
    profile = (await purposes_of(session, subject)).get("profile", False)
    return Mine(tried, titles, next(iter(kept), None), profile, await phone.history(session, subject), zone, language)


def _title(row: Product, language: i18n.Language) -> str:
    return i18n.localized({key: str(text) for key, text in row.title.items()}, language)
