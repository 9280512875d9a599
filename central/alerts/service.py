"""Arrival cards, made with consent, and calls: claimed by one, closed by time, end or retraction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts.drawing import draw
from central.alerts.schemas import Card
from central.alerts.tables import Alert, AlertChange
from central.contribution import service as contribution
from central.effects import Effects
from central.privacy.service import purposes_of_many
from central.privacy.vault import Vault
from central.visits.service import is_live
from central.visits.tables import Visit

__all__ = ["draw"]
ACTIVE = ("open", "claimed")
Filter = Literal["open", "claimed", "done", "expired", "retracted", "active", "all"]


class ClaimedError(Exception):
    """Somebody else was faster, or the card is closed; the message says who or what."""


class NotHereError(Exception):
    """The person's visit is not going on."""


async def consider_all(effects: Effects, visits: Sequence[Visit]) -> None:
    """Bring the cards of visits in step with what is known of them now."""
    ids = [visit.id for visit in visits]
    rows = (await effects.session.scalars(select(Alert).where(Alert.visit.in_(ids)))).all()
    cards_of = {(row.store, row.visit): row for row in rows if row.kind == "arrival"}
    await _bring_calls(effects, visits, [row for row in rows if row.kind == "call"])
    purposes = await purposes_of_many(effects.session, {visit.subject for visit in visits if visit.subject})
    for visit in visits:
        allowed = purposes.get(visit.subject or "", {}).get("consultant_alert", False)
        await _consider(effects, visit, cards_of.get((visit.store, visit.id)), welcome=allowed)


async def _bring_calls(effects: Effects, visits: Sequence[Visit], calls: Sequence[Alert]) -> None:
    """A call ends with its visit, and with the mistake about who it was. It was asked for: no consent is needed."""
    by_key = {(visit.store, visit.id): visit for visit in visits}
    for alert in calls:
        visit = by_key.get((alert.store, alert.visit))
        if visit is None or alert.state not in ACTIVE:
            continue
        if visit.subject != alert.subject:
            await _close(effects, alert, "retracted")
        elif visit.ended_at is not None:
            await _close(effects, alert, "expired" if alert.state == "open" else "done")


async def _consider(effects: Effects, visit: Visit, alert: Alert | None, *, welcome: bool) -> None:
    if alert is None:
        if welcome and is_live(visit, effects.now):
            await _create(effects, visit)
        return
    if alert.state not in ACTIVE:
        # A card withdrawn by a provisional mistake comes back when the person is named after all.
        if alert.state == "retracted" and welcome and is_live(visit, effects.now):
            alert.state = "open"
            _copy(alert, visit)
            await _changed(effects, alert, "arrival")
        return
    if not welcome:
        await _close(effects, alert, "retracted")
    elif visit.ended_at is not None:
        await _close(effects, alert, "expired" if alert.state == "open" else "done")
    elif (alert.subject, alert.method, alert.confidence, alert.stage) != _identity(visit):
        _copy(alert, visit)
        await _changed(effects, alert, "updated")


def _identity(visit: Visit) -> tuple[str | None, str | None, float | None, str | None]:
    return visit.subject, visit.method, visit.confidence, visit.stage


def _copy(alert: Alert, visit: Visit) -> None:
    alert.subject = visit.subject or alert.subject
    alert.method = visit.method or alert.method
    alert.stage = visit.stage or alert.stage
    alert.confidence = visit.confidence if visit.confidence is not None else alert.confidence
    alert.version += 1


async def _create(effects: Effects, visit: Visit) -> None:
    lifetime = timedelta(minutes=effects.settings.alert_minutes)
    seen = visit.first_usable_at or effects.now
    stale = effects.now - seen > lifetime
    alert = Alert(
        **_fields(visit),
        first_usable_at=seen,
        created_at=effects.now,
        expires_at=effects.now + lifetime,
        state="expired" if stale else "open",
        version=1,
    )
    effects.session.add(alert)
    await effects.session.flush()
    if not stale:  # an arrival that was held up in an outbox for long is history, not news
        await _changed(effects, alert, "arrival")


async def _close(effects: Effects, alert: Alert, state: str) -> None:
    alert.state, alert.closed_at = state, effects.now
    alert.version += 1
    await _changed(effects, alert, "retracted" if state == "retracted" else "updated")


async def _changed(effects: Effects, alert: Alert, event: str) -> None:
    change = AlertChange(store=alert.store, alert=alert.id, event=event, at=effects.now)
    effects.session.add(change)
    effects.changes.append(change)
    await effects.session.flush()


async def call(
    effects: Effects, store: str, subject: str, visit: str, zone: str | None = None, sku: str | None = None
) -> Alert:
    """The customer asks for a consultant. Asked again, it is the same call, with the newer place; NotHereError."""
    row = await effects.session.get(Visit, (store, visit))
    if row is None or row.subject != subject or not is_live(row, effects.now):
        raise NotHereError("this customer is not in the store now")
    statement = select(Alert).where(Alert.store == store, Alert.visit == visit, Alert.kind == "call")
    alert = (await effects.session.scalars(statement)).one_or_none()
    if alert is None:
        alert = Alert(kind="call", version=0, first_usable_at=effects.now, **_fields(row))
        effects.session.add(alert)
    again = alert.state in ACTIVE
    alert.zone, alert.sku = zone, sku
    alert.version = (alert.version or 0) + 1
    alert.expires_at = effects.now + timedelta(minutes=effects.settings.alert_minutes)
    if not again:
        alert.state, alert.created_at, alert.closed_at = "open", effects.now, None
        alert.claimed_by = alert.claimed_at = None
    await effects.session.flush()
    await _changed(effects, alert, "updated" if again else "arrival")
    return alert


async def call_off(effects: Effects, store: str, visit: str) -> bool:
    """The customer needs nobody any more; False when there was no call waiting."""
    statement = select(Alert).where(Alert.store == store, Alert.visit == visit, Alert.kind == "call")
    alert = (await effects.session.scalars(statement.where(Alert.state.in_(ACTIVE)))).one_or_none()
    if alert is None:
        return False
    await _close(effects, alert, "retracted")
    return True


async def call_of(session: AsyncSession, store: str, visit: str) -> Alert | None:
    """The call of a visit that is waiting or taken; `claimed_by` says by whom."""
    statement = select(Alert).where(Alert.store == store, Alert.visit == visit, Alert.kind == "call")
    return (await session.scalars(statement.where(Alert.state.in_(ACTIVE)))).one_or_none()


def _fields(visit: Visit) -> dict[str, object]:
    return {
        "store": visit.store,
        "visit": visit.id,
        "subject": visit.subject or "",
        "method": visit.method or "face",
        "confidence": visit.confidence or 0.0,
        "stage": visit.stage or "provisional",
    }


async def claim(effects: Effects, alert: Alert, who: str) -> None:
    """Take an open card. Two consultants at once: the database lets one through, the other gets ClaimedError."""
    await _move(effects, alert, "claimed", Alert.state == "open", claimed_by=who, claimed_at=effects.now)
    reference, subject = str(alert.id), alert.subject or None
    await contribution.note(effects, "claimed", who, alert.store, reference, subject=subject, visit=alert.visit)


async def release(effects: Effects, alert: Alert, who: str, *, force: bool) -> None:
    """Give a claimed card back; only the one who has it, or a manager (`force`)."""
    mine = (Alert.state == "claimed") & (Alert.claimed_by == who)
    await _move(effects, alert, "open", (Alert.state == "claimed") if force else mine, claimed_by=None, claimed_at=None)
    await contribution.undo(effects, "claimed", alert.store, str(alert.id))


async def hand_over(effects: Effects, alert: Alert, who: str, to: str, *, force: bool) -> None:
    """The guest goes on with a colleague; only the one who has the card, or a manager (`force`)."""
    mine = (Alert.state == "claimed") & (Alert.claimed_by == who)
    before = alert.claimed_by or who
    condition = Alert.state.in_(ACTIVE) if force else mine
    await _move(effects, alert, "claimed", condition, claimed_by=to, claimed_at=effects.now)
    about = {"subject": alert.subject or None, "visit": alert.visit}
    await contribution.note(effects, "handed_over", before, alert.store, str(alert.id), **about)
    await contribution.note(effects, "claimed", to, alert.store, str(alert.id), **about)


async def done(effects: Effects, alert: Alert, who: str, *, force: bool) -> None:
    """Close a card after the conversation."""
    mine = (Alert.state == "claimed") & (Alert.claimed_by == who)
    condition = Alert.state.in_(ACTIVE) if force else (Alert.state == "open") | mine
    await _move(effects, alert, "done", condition, claimed_by=alert.claimed_by or who, closed_at=effects.now)


async def _move(effects: Effects, alert: Alert, state: str, condition: object, **values: object) -> None:
    statement = (
        update(Alert)
        .where(Alert.id == alert.id, condition)  # type: ignore[arg-type]
        .values(state=state, version=Alert.version + 1, **values)
        .execution_options(synchronize_session=False)
    )
    moved = (await effects.session.execute(statement)).rowcount  # type: ignore[attr-defined]
    await effects.session.refresh(alert)
    if moved != 1:
        held = f"claimed by {alert.claimed_by}" if alert.state == "claimed" else f"this card is {alert.state}"
        raise ClaimedError(held)
    await _changed(effects, alert, "updated")


async def expire(effects: Effects) -> None:
    """Close cards nobody took in time."""
    statement = select(Alert).where(Alert.state == "open", Alert.expires_at < effects.now)
    for alert in (await effects.session.scalars(statement)).all():
        await _close(effects, alert, "expired")


async def anything_expired(session: AsyncSession, now: datetime) -> bool:
    """Whether `expire` would find work."""
    statement = select(Alert.id).where(Alert.state == "open", Alert.expires_at < now).limit(1)
    return (await session.scalar(statement)) is not None


async def cards(
    session: AsyncSession,
    vault: Vault,
    store: str,
    state: Filter = "open",
    *,
    now: datetime,
    limit: int = 200,
    language: str | None = None,
) -> list[Card]:
    """Cards of a store, newest first; lines in `language`, or in the store's own."""
    statement = select(Alert).where(Alert.store == store).order_by(Alert.id.desc()).limit(limit)
    if state == "active":
        statement = statement.where(Alert.state.in_(ACTIVE))
    elif state != "all":
        statement = statement.where(Alert.state == state)
    return await draw(session, vault, (await session.scalars(statement)).all(), now, language)


async def changes_after(session: AsyncSession, store: str, last: int, limit: int = 500) -> list[AlertChange]:
    """What an open page missed."""
    statement = (
        select(AlertChange)
        .where(AlertChange.store == store, AlertChange.id > last)
        .order_by(AlertChange.id)
        .limit(limit)
    )
    return list((await session.scalars(statement)).all())
