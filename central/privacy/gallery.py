"""Which node holds whose template until when: sealed again to the node's key, leased, renewed, dropped."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.database import upsert
from central.effects import Effects
from central.errors import RejectedError
from central.fleet.tables import Node
from central.keys import Keys
from central.outgoing.service import issue, message, next_sequence, signed
from central.privacy.tables import Lease, SubjectConsent, Template
from central.privacy.vault import Vault
from central.settings import Settings
from contract.commands import GalleryDrop, GalleryPut

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One gallery.put ready for the wire."""

    topic: str
    payload: bytes


def _due(now: datetime, settings: Settings, limit: int) -> object:
    renew_at = now + timedelta(hours=settings.lease_hours - settings.renew_hours)
    at_node = and_(Lease.store == Template.store, Lease.template == Template.id, Lease.node == Node.node)
    return (
        select(Template, Node)
        .join(Node, Node.store == Template.store)
        .join(SubjectConsent, SubjectConsent.subject == Template.subject)
        .outerjoin(Lease, at_node)
        .where(Node.online, Node.trusted_key.is_not(None), Node.offered_key.is_(None))
        .where(SubjectConsent.purposes["identify"].as_boolean())
        .where(or_(Lease.lease_until.is_(None), Lease.lease_until < renew_at))
        .limit(limit)
    )


async def anything_due(session: AsyncSession, now: datetime, settings: Settings) -> bool:
    """Whether `deliver` would find work (a read only)."""
    return (await session.execute(_due(now, settings, 1))).first() is not None  # type: ignore[call-overload]


async def deliver(
    session: AsyncSession, keys: Keys, vault: Vault, now: datetime, settings: Settings, limit: int = 100
) -> Sequence[Delivery]:
    """Templates that online, trusted nodes lack or soon lose, as signed commands; the leases are written down."""
    found = (await session.execute(_due(now, settings, limit))).all()  # type: ignore[call-overload]
    lease_until = now + timedelta(hours=settings.lease_hours)
    ready: list[Delivery] = []
    leases: list[dict[str, object]] = []
    for template, node in found:
        leases.append(
            {
                "store": node.store,
                "node": node.node,
                "template": template.id,
                "sent_at": now,
                "lease_until": lease_until,
            }
        )
        try:
            sealed_key = keys.rewrap(str(vault.open(template.subject, template.sealed)), node.trusted_key)
        except RejectedError as error:
            log.error("template %s for %s/%s: %s; enrol the person again", template.id, node.store, node.node, error)
            continue
        command = GalleryPut(
            sequence=await next_sequence(session, node.store, node.node, now),
            valid_until=lease_until,
            subject=template.subject,
            template=template.id,
            model_sha256=template.model_sha256,
            sealed_template=template.sealed_template,
            sealed_key=sealed_key,
            lease_until=lease_until,
        )
        ready.append(Delivery(*message(node.store, node.node, signed(keys, node.store, node.node, command), now)))
    await upsert(session, Lease, leases, ("store", "node", "template"))
    return ready


async def forget_leases(session: AsyncSession, store: str, node: str) -> None:
    """A node was born: its memory is empty, everything is due again."""
    await session.execute(delete(Lease).where(Lease.store == store, Lease.node == node))


async def drop_everywhere(
    effects: Effects, subject: str, reason: Literal["withdrawn", "erased", "moved", "retention"]
) -> None:
    """Tell every node of every store that has the person's templates to forget them, until their leases are over."""
    stores = select(Template.store).where(Template.subject == subject)
    nodes = (await effects.session.scalars(select(Node).where(Node.store.in_(stores)))).all()
    valid_until = effects.now + timedelta(hours=effects.settings.lease_hours)
    for node in nodes:
        command = GalleryDrop(sequence=1, valid_until=valid_until, subject=subject, reason=reason)
        await issue(effects, node.store, node.node, subject, command)
