"""Births, wills and health of nodes; which key of theirs is trusted."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects, Origin
from central.fleet.schemas import NodeOut
from central.fleet.tables import Node
from central.ingest.tables import Mark
from central.labels.tables import Label, Presence
from central.outgoing.service import hurry
from central.privacy.gallery import forget_leases
from central.privacy.tables import Lease
from central.settings import Settings
from contract.codec import plain
from contract.state import Health, Status


async def _node(session: AsyncSession, store: str, node: str) -> Node:
    row = await session.get(Node, (store, node))
    if row is None:
        row = Node(store=store, node=node, online=False, command_sequence=0)
        session.add(row)
        await session.flush()
    return row


async def status(effects: Effects, origin: Origin, report: Status) -> None:
    """A birth or a will. A birth makes everything the node must know due again."""
    row = await _node(effects.session, origin.store, origin.node)
    row.status_at = effects.now
    if report.state == "offline":
        row.online = False
        return
    if row.session != report.session:
        await _new_memory(effects.session, origin)
    if row.started_at != report.started_at:
        await _new_process(effects, origin)
    row.online = True
    row.session, row.started_at = report.session, report.started_at
    row.status = plain(report)
    _offer_key(row, report.public_key)
    await effects.session.flush()
    await forget_leases(effects.session, origin.store, origin.node)
    await hurry(effects.session, origin.store, origin.node, effects.now)
    effects.births.add((origin.store, origin.node))
    effects.galleries = True


def _offer_key(row: Node, key: str) -> None:
    """Trust the first key; hold another one until an administrator accepts it."""
    if not key:
        return
    if row.trusted_key is None:
        row.trusted_key = key
    row.offered_key = None if key == row.trusted_key else key


async def _new_memory(session: AsyncSession, origin: Origin) -> None:
    """The node lost its disk: it no longer holds public prices to go back to."""
    await session.execute(
        update(Label)
        .where(Label.store == origin.store, Label.node == origin.node)
        .values(confirmed_public=None)
        .execution_options(synchronize_session="fetch")
    )


async def _new_process(effects: Effects, origin: Origin) -> None:
    """Tracks do not outlive the process that followed them."""
    here = (Presence.store == origin.store, Presence.node == origin.node, Presence.left_at.is_(None))
    zones = (await effects.session.scalars(select(Presence.zone).where(*here).distinct())).all()
    await effects.session.execute(
        update(Presence).where(*here).values(left_at=effects.now).execution_options(synchronize_session="fetch")
    )
    effects.zones.update((origin.store, zone) for zone in zones)


async def health(effects: Effects, origin: Origin, report: Health) -> None:
    """The last health replaces the one before."""
    row = await _node(effects.session, origin.store, origin.node)
    row.health, row.health_at = plain(report), effects.now


async def accept_key(effects: Effects, store: str, node: str) -> Node | None:
    """An administrator vouches for the key the node shows now."""
    row = await effects.session.get(Node, (store, node))
    if row is None:
        return None
    if row.offered_key is not None:
        row.trusted_key, row.offered_key = row.offered_key, None
        await forget_leases(effects.session, store, node)
        effects.galleries = True
        await effects.session.flush()
    return row


def _state(row: Node, now: datetime, settings: Settings) -> str:
    heard = max((at for at in (row.status_at, row.health_at) if at is not None), default=None)
    if heard is None:
        return "unknown"
    if not row.online:
        return "offline"
    return "silent" if now - heard > timedelta(seconds=settings.silent_s) else "online"


async def nodes(session: AsyncSession, store: str, now: datetime, settings: Settings) -> list[NodeOut]:
    """All nodes of a store as they are now."""
    rows = (await session.scalars(select(Node).where(Node.store == store).order_by(Node.node))).all()
    return [await describe(session, row, now, settings) for row in rows]


async def describe(session: AsyncSession, row: Node, now: datetime, settings: Settings) -> NodeOut:
    """One node with its outbox's mark and how many templates it holds."""
    mark = await session.get(Mark, (row.store, row.node, row.session or ""))
    held = await session.scalar(
        select(func.count())
        .select_from(Lease)
        .where(Lease.store == row.store, Lease.node == row.node, Lease.lease_until > now)
    )
    said = row.status or {}
    shown_key = row.offered_key or row.trusted_key
    return NodeOut.model_validate(
        {
            "store": row.store,
            "node": row.node,
            "state": _state(row, now, settings),
            "session": row.session,
            "started_at": row.started_at,
            "version": said.get("version", ""),
            "last_seen_at": max((at for at in (row.status_at, row.health_at) if at is not None), default=None),
            "policy": said.get("policy"),
            "drivers": said.get("drivers", {}),
            "models": said.get("models", ()),
            "health": row.health,
            "key_state": "changed" if row.offered_key else "trusted" if row.trusted_key else "none",
            "key_fingerprint": hashlib.sha256(shown_key.encode()).hexdigest()[:16] if shown_key else None,
            "high_water": mark.high_water if mark else 0,
            "gallery_templates": held or 0,
        }
    )
