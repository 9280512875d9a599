"""Consents and what follows from them; sealed templates."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects, Origin
from central.privacy.audit import note_reads
from central.privacy.chain import GENESIS, Link, first_break, link_hash
from central.privacy.gallery import drop_everywhere
from central.privacy.tables import ConsentHead, ConsentRecord, Lease, SubjectConsent, Template
from central.privacy.vault import Erased
from central.visits.service import live_of_subject
from contract.events import PURPOSES, ConsentGiven, EnrolmentCompleted, EnrolmentWithdrawn

WITHDRAWAL_TEXT = "withdrawal"
NO_TEXT = "0" * 64
__all__ = [
    "delete_templates",
    "enrolled",
    "forget_templates",
    "note_reads",
    "purposes_of",
    "purposes_of_many",
    "record",
    "verify_chain",
    "withdrawn",
]
log = logging.getLogger(__name__)


async def record(
    effects: Effects,
    subject: str,
    purposes: Mapping[str, bool],
    *,
    text_version: str,
    text_sha256: str,
    channel: str,
    given_at: datetime,
) -> None:
    """Chain a decision and apply it, unless a later one is known already."""
    session = effects.session
    head = await session.get(ConsentHead, 1, with_for_update=True)
    if head is None:
        head = ConsentHead(id=1, last=0, hash=GENESIS)
        session.add(head)
    complete: dict[str, bool] = {purpose: bool(purposes.get(purpose, False)) for purpose in PURPOSES}
    link = Link(head.last + 1, subject, complete, text_version, text_sha256, channel, given_at, effects.now)
    digest = link_hash(link, head.hash)
    session.add(
        ConsentRecord(
            id=link.number,
            subject=subject,
            purposes=complete,
            text_version=text_version,
            text_sha256=text_sha256,
            channel=channel,
            given_at=given_at,
            recorded_at=effects.now,
            previous=head.hash,
            hash=digest,
        )
    )
    head.last, head.hash = link.number, digest
    await _apply(effects, subject, complete, text_version, given_at)


async def _apply(
    effects: Effects, subject: str, purposes: dict[str, bool], text_version: str, given_at: datetime
) -> None:
    current = await effects.session.get(SubjectConsent, subject)
    if current is None:
        current = SubjectConsent(subject=subject, purposes={}, text_version="", given_at=given_at)
        effects.session.add(current)
    elif current.given_at > given_at:
        return
    withdrawn = bool(current.purposes.get("identify")) and not purposes["identify"]
    current.purposes, current.text_version, current.given_at = purposes, text_version, given_at
    if not purposes["identify"]:
        current.identify_withdrawn_at = given_at
    await effects.session.flush()
    if withdrawn:
        await forget_templates(effects, subject)
    for visit in await live_of_subject(effects.session, subject, effects.now):
        effects.visits.add((visit.store, visit.id))


async def forget_templates(
    effects: Effects, subject: str, reason: Literal["withdrawn", "erased"] = "withdrawn"
) -> None:
    """Drop the person's templates and their keys here and on every node that may hold them."""
    await drop_everywhere(effects, subject, reason)
    await delete_templates(effects.session, subject)


async def delete_templates(session: AsyncSession, subject: str) -> None:
    """Templates and the leases of nodes on them."""
    held = select(Template.id).where(Template.subject == subject)
    await session.execute(delete(Lease).where(Lease.template.in_(held)))
    await session.execute(delete(Template).where(Template.subject == subject))


async def enrolled(effects: Effects, origin: Origin, event: EnrolmentCompleted) -> None:
    """A consent and one sealed template; a template older than the person's withdrawal is not taken in."""
    consent = event.consent
    given_at = origin.true(consent.at)
    try:
        sealed = effects.vault.seal(event.subject, event.sealed_key)
    except Erased:
        log.warning("%s/%s sent a template of a person who was erased; not taken in", origin.store, origin.node)
        return
    if not await _known(effects.session, event.subject, consent, given_at):
        await record(
            effects,
            event.subject,
            {str(purpose): given for purpose, given in consent.purposes.items()},
            text_version=consent.text_version,
            text_sha256=consent.text_sha256,
            channel=consent.channel,
            given_at=given_at,
        )
    current = await effects.session.get(SubjectConsent, event.subject)
    withdrawn_at = current.identify_withdrawn_at if current else None
    if withdrawn_at is not None and withdrawn_at >= given_at:
        return
    if await effects.session.get(Template, (event.template, origin.store)) is None:
        effects.session.add(
            Template(
                id=event.template,
                store=origin.store,
                subject=event.subject,
                model_sha256=event.model_sha256,
                sealed_template=event.sealed_template,
                sealed=sealed,
                enrolled_at=origin.true(event.at),
            )
        )
        await effects.session.flush()
        effects.galleries = True


async def _known(session: AsyncSession, subject: str, consent: ConsentGiven, given_at: datetime) -> bool:
    """Several templates come with one and the same consent: it is chained once."""
    statement = select(ConsentRecord.id).where(
        ConsentRecord.subject == subject,
        ConsentRecord.text_sha256 == consent.text_sha256,
        ConsentRecord.given_at == given_at,
    )
    return (await session.scalar(statement.limit(1))) is not None


async def withdrawn(effects: Effects, origin: Origin, event: EnrolmentWithdrawn) -> None:
    """Consent taken back at the store, purpose by purpose."""
    current = await effects.session.get(SubjectConsent, event.subject)
    kept = dict(current.purposes) if current else {}
    for purpose in event.purposes:
        kept[purpose] = False
    await record(
        effects,
        event.subject,
        kept,
        text_version=WITHDRAWAL_TEXT,
        text_sha256=NO_TEXT,
        channel="store",
        given_at=origin.true(event.at),
    )


async def purposes_of(session: AsyncSession, subject: str | None) -> dict[str, bool]:
    """What this person agreed to; nothing at all for an unknown one."""
    if subject is None:
        return {}
    current = await session.get(SubjectConsent, subject)
    return dict(current.purposes) if current else {}


async def purposes_of_many(session: AsyncSession, subjects: Iterable[str]) -> dict[str, dict[str, bool]]:
    """The same for many, in one query."""
    wanted = set(subjects)
    rows = (await session.scalars(select(SubjectConsent).where(SubjectConsent.subject.in_(wanted)))).all()
    return {row.subject: dict(row.purposes) for row in rows}


async def verify_chain(session: AsyncSession) -> int | None:
    """Number of the first consent record that was tampered with; None when all fit."""
    rows = (await session.scalars(select(ConsentRecord).order_by(ConsentRecord.id))).all()
    broken = first_break(
        (
            Link(
                row.id,
                row.subject,
                row.purposes,
                row.text_version,
                row.text_sha256,
                row.channel,
                row.given_at,
                row.recorded_at,
            ),
            row.previous,
            row.hash,
        )
        for row in rows
    )
    if broken is not None:
        return broken
    head = await session.get(ConsentHead, 1)
    last, digest = (rows[-1].id, rows[-1].hash) if rows else (0, GENESIS)
    return None if head is None or (head.last, head.hash) == (last, digest) else last + 1
