"""Links as staff see them."""

from __future__ import annotations

from typing import cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.identity.rules import Kind
from central.identity.schemas import EvidenceOut, LinkOut, LinkState
from central.identity.service import SHARED, UNDONE
from central.identity.tables import IdentityEvidence, IdentityLink


async def of_subject(session: AsyncSession, subject: str) -> list[LinkOut]:
    """Everything somebody is known by, links that were undone included."""
    statement = select(IdentityLink).where(IdentityLink.subject == subject).order_by(IdentityLink.id)
    return [await out(session, link) for link in (await session.scalars(statement)).all()]


async def shared(session: AsyncSession, store: str, limit: int) -> list[IdentityLink]:
    """Identifiers of several people, the newest first: they name nobody."""
    mine = (IdentityLink.store == store, IdentityLink.state == SHARED)
    statement = select(IdentityLink).where(*mine).order_by(IdentityLink.id.desc()).limit(limit)
    return list((await session.scalars(statement)).all())


async def out(session: AsyncSession, row: IdentityLink) -> LinkOut:
    """One link with what it stands on."""
    used = select(func.count()).where(IdentityLink.value == row.value, IdentityLink.state != UNDONE)
    seen = select(IdentityEvidence).where(IdentityEvidence.link == row.id).order_by(IdentityEvidence.first_at)
    return LinkOut(
        id=row.id,
        kind=cast("Kind", row.kind),
        fingerprint=row.value[:8],
        state=cast("LinkState", row.state),
        customers=await session.scalar(used) or 0,
        created_at=row.created_at,
        undone_at=row.undone_at,
        undone_by=row.undone_by,
        evidence=[EvidenceOut.model_validate(item) for item in (await session.scalars(seen)).all()],
    )
