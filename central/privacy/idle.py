"""Who has not been seen for long: templates go after a year, profiles after what an operator sets (PRIVACY P7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.behaviour.tables import SiteEvent, SiteInterest
from central.effects import Effects
from central.preferences.tables import Opinion
from central.privacy import rights
from central.privacy.gallery import drop_everywhere
from central.privacy.service import delete_templates
from central.privacy.tables import Erasure, SubjectConsent, Template
from central.profiles.tables import Customer, CustomerSession
from central.sales.tables import Sale
from central.visits.tables import Visit

AT_ONCE: Final = 100
"""Persons a sweep: the next one takes the rest."""


async def note_seen(session: AsyncSession) -> None:
    """Keep when somebody was last in a shop, before their visits forget them."""
    last = select(func.max(Visit.first_seen_at)).where(Visit.subject == SubjectConsent.subject).scalar_subquery()
    newer = last > func.coalesce(SubjectConsent.seen_at, SubjectConsent.given_at)
    change = update(SubjectConsent).where(newer).values(seen_at=last)
    await session.execute(change.execution_options(synchronize_session=False))


async def forget_idle(effects: Effects) -> None:
    """Drop templates of those who did not come for long; erase profiles nobody used for longer."""
    for subject in await _unused_templates(effects):
        await drop_everywhere(effects, subject, "retention")
        await delete_templates(effects.session, subject)
    if effects.settings.profile_idle_days is None:
        return
    limit = effects.now - timedelta(days=effects.settings.profile_idle_days)
    for subject in await _unused_profiles(effects.session, limit):
        await rights.erase(effects, subject, "retention")


async def _unused_templates(effects: Effects) -> Sequence[str]:
    limit = effects.now - timedelta(days=effects.settings.template_idle_days)
    statement = (
        select(Template.subject)
        .outerjoin(SubjectConsent, SubjectConsent.subject == Template.subject)
        .group_by(Template.subject)
        .having(
            func.max(Template.enrolled_at) < limit,
            func.coalesce(func.max(SubjectConsent.seen_at), func.max(Template.enrolled_at)) < limit,
        )
        .limit(AT_ONCE)
    )
    return (await effects.session.scalars(statement)).all()


async def _unused_profiles(session: AsyncSession, limit: datetime) -> Sequence[str]:
    """Somebody who once decided or came, and of whom nothing is newer. A sign-in lasts a month and counts."""
    on_its_way = select(Erasure.subject).where(Erasure.subject.is_not(None))
    statement = (
        select(Customer.subject)
        .join(SubjectConsent, SubjectConsent.subject == Customer.subject)
        .where(func.coalesce(SubjectConsent.seen_at, SubjectConsent.given_at) < limit)
        .where(SubjectConsent.given_at < limit, Customer.subject.not_in(on_its_way))
        .where(~select(Sale.id).where(Sale.subject == Customer.subject, Sale.at >= limit).exists())
        .where(~select(Opinion.id).where(Opinion.subject == Customer.subject, Opinion.at >= limit).exists())
        .where(~select(SiteEvent.id).where(SiteEvent.owner == Customer.subject, SiteEvent.at >= limit).exists())
        .where(
            ~select(SiteInterest.owner)
            .where(SiteInterest.owner == Customer.subject, SiteInterest.updated_at >= limit)
            .exists()
        )
        .where(~select(CustomerSession.customer).where(CustomerSession.customer == Customer.id).exists())
        .order_by(Customer.subject)
        .limit(AT_ONCE)
    )
    return (await session.scalars(statement)).all()
