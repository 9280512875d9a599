"""The consultant's page: who has just come in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from central.alerts import service as alerts
from central.alerts.schemas import Card
from central.privacy import service as privacy
from central.web import errors
from central.web.page import Page, PageDep

router = APIRouter(include_in_schema=False)
FRESH: Final = timedelta(seconds=4)


@router.get("/arrivals")
async def show(page: PageDep) -> Response:
    """The whole page."""
    return errors.not_installed(page.request) or page.show("arrivals.html", await _groups(page))


@router.get("/arrivals/cards")
async def cards(page: PageDep) -> Response:
    """The list alone, for htmx."""
    return page.show("arrivals_cards.html", await _groups(page))


async def _groups(page: Page) -> dict[str, object]:
    now = page.runtime.clock.now()
    async with page.runtime.db.read() as session:
        found = await alerts.cards(
            session, page.runtime.vault, page.store.id, "active", now=now, language=page.language
        )
    seen = [card.customer.id for card in found if card.customer.id is not None]
    if seen:
        async with page.runtime.db.write() as session:
            await privacy.note_reads(session, page.principal.reader, seen, "arrivals", now)
    return grouped(found, page.principal.name, now)


def grouped(cards: list[Card], me: str, now: datetime) -> dict[str, object]:
    """Cards by whose they are: waiting newest first, claimed ones in the order they were claimed."""
    claimed = sorted((card for card in cards if card.claimed_by), key=lambda card: card.claimed_at or card.created_at)
    return {
        "open": sorted((card for card in cards if not card.claimed_by), key=lambda card: card.created_at, reverse=True),
        "mine": [card for card in claimed if card.claimed_by == me],
        "others": [card for card in claimed if card.claimed_by != me],
        "fresh": {card.id for card in cards if now - card.created_at < FRESH},
    }
