"""Arrival cards and their live stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts import service
from central.alerts.hub import Change
from central.alerts.schemas import Card
from central.alerts.tables import Alert
from central.effects import Effects
from central.privacy.service import note_reads
from central.runtime import Runtime, RuntimeDep
from central.staff.access import Principal, ReaderDep, StaffDep
from contract.values import Name

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
StoreQuery = Annotated[Name, Query(description="Store id")]


@router.get("", summary="Arrival cards of a store, newest first")
async def cards(
    runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery, state: service.Filter = "open"
) -> list[Card]:
    """Names only with each person's consent; every profile shown is written to the audit."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        found = await service.cards(session, runtime.vault, store, state, now=runtime.clock.now())
    await audit(runtime, principal, found, "alerts")
    return found


async def audit(runtime: Runtime, principal: Principal, found: list[Card], place: str) -> None:
    """Note which profiles were shown."""
    shown = [card.customer.id for card in found if card.customer.id is not None]
    if shown:
        async with runtime.db.write() as session:
            await note_reads(session, principal.reader, shown, place, runtime.clock.now())


async def _own_store(principal: ReaderDep, store: StoreQuery) -> str:
    """Checked before the stream begins: within it an answer of 200 is on its way already."""
    principal.check_store(store)
    return store


@router.get("/stream", response_class=EventSourceResponse, summary="Arrivals as they happen (server-sent events)")
async def stream(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: Annotated[str, Depends(_own_store)],
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Events `arrival`, `updated`, `retracted`; a comment every 15 s; `Last-Event-ID` resumes."""
    with runtime.hub.subscribe(store) as queue:
        yield ServerSentEvent(comment="open", retry=1000)
        sent = 0
        if last_event_id is not None and last_event_id.isdecimal():
            async with runtime.db.read() as session:
                missed = await _missed(session, runtime, store, min(int(last_event_id), 2**62))
            for change in missed:
                yield _event(change)
                sent = change.id
            await audit(runtime, principal, [change.card for change in missed], "alerts/stream")
        while (change_or_end := await queue.get()) is not None:
            if change_or_end.id > sent:
                yield _event(change_or_end)
                await audit(runtime, principal, [change_or_end.card], "alerts/stream")


def _event(change: Change) -> ServerSentEvent:
    return ServerSentEvent(event=change.event, id=str(change.id), data=change.card)


async def _missed(session: AsyncSession, runtime: Runtime, store: str, last: int) -> list[Change]:
    ready: list[Change] = []
    for row in await service.changes_after(session, store, last):
        alert = await session.get(Alert, row.alert)
        if alert is not None:
            (card,) = await service.draw(session, runtime.vault, [alert], runtime.clock.now())
            ready.append(Change(row.id, row.event, card))
    return ready


async def _find(effects: Effects, principal: Principal, alert_id: int) -> Alert:
    alert = await effects.session.get(Alert, alert_id) if alert_id < 2**62 else None
    if alert is None or not principal.sees(alert.store):
        raise HTTPException(404, f"there is no alert {alert_id}")
    return alert


@router.post("/{alert_id}/claim", summary="Take a card", responses={409: {"description": "Somebody else has it"}})
async def claim(runtime: RuntimeDep, principal: StaffDep, alert_id: int) -> Card:
    """Of two consultants at once one gets it, the other a 409 with the name."""
    return await _act(runtime, principal, alert_id, "claim")


@router.post("/{alert_id}/release", summary="Give a card back", responses={409: {"description": "Not yours"}})
async def release(runtime: RuntimeDep, principal: StaffDep, alert_id: int) -> Card:
    """Back to open; a manager may release for somebody else."""
    return await _act(runtime, principal, alert_id, "release")


@router.post("/{alert_id}/done", summary="Close a card", responses={409: {"description": "Somebody else has it"}})
async def done(runtime: RuntimeDep, principal: StaffDep, alert_id: int) -> Card:
    """The conversation is over."""
    return await _act(runtime, principal, alert_id, "done")


async def _act(runtime: Runtime, principal: Principal, alert_id: int, what: str) -> Card:
    force = principal.may("manager")
    try:
        async with runtime.change() as effects:
            alert = await _find(effects, principal, alert_id)
            if what == "claim":
                await service.claim(effects, alert, principal.name)
            elif what == "release":
                await service.release(effects, alert, principal.name, force=force)
            else:
                await service.done(effects, alert, principal.name, force=force)
            card = (await service.draw(effects.session, runtime.vault, [alert], effects.now))[0]
    except service.ClaimedError as error:
        raise HTTPException(409, str(error)) from None
    await audit(runtime, principal, [card], f"alerts/{what}")
    return card
