"""Who read which profile (PRIVACY P11): a hash chain, so that a line changed or taken out is found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.privacy.chain import GENESIS, Read, first_break, link_hash
from central.privacy.tables import ConsentHead, ProfileRead
from central.profiles.tables import Customer

HEAD = 2
"""Which row of `consent_head` is the end of this chain."""


async def note_reads(session: AsyncSession, reader: str, customers: Iterable[str], place: str, at: datetime) -> None:
    """Write down who read which profiles (customer ids; those who are gone are left out)."""
    statement = select(Customer.subject, Customer.store).where(Customer.id.in_(set(customers)))
    found = sorted((row.subject, row.store) for row in (await session.execute(statement)).all())
    if not found:
        return
    head = await session.get(ConsentHead, HEAD, with_for_update=True)
    if head is None:
        head = ConsentHead(id=HEAD, last=0, hash=GENESIS)
        session.add(head)
    for subject, store in found:
        read = Read(head.last + 1, store, subject, reader, place, at)
        digest = link_hash(read, head.hash)
        session.add(
            ProfileRead(
                id=read.number,
                store=store,
                subject=subject,
                reader=reader,
                place=place,
                at=at,
                previous=head.hash,
                hash=digest,
            )
        )
        head.last, head.hash = read.number, digest


async def verify_reads(session: AsyncSession) -> int | None:
    """Number of the first read that was tampered with or taken out; None when all fit."""
    rows = (await session.scalars(select(ProfileRead).order_by(ProfileRead.id))).all()
    broken = first_break(
        (Read(row.id, row.store, row.subject, row.reader, row.place, row.at), row.previous, row.hash) for row in rows
    )
    if broken is not None:
        return broken
    head = await session.get(ConsentHead, HEAD)
    last, digest = (rows[-1].id, rows[-1].hash) if rows else (0, GENESIS)
    return None if head is None or (head.last, head.hash) == (last, digest) else last + 1
