"""Opinions: writing them down, reading them back with the person's leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Product
from central.effects import Effects
from central.preferences.lexicon import lexicon
from central.preferences.schemas import OpinionIn, OpinionOut, Tried
from central.preferences.tables import Opinion
from central.preferences.taste import Judged, overall_of
from central.privacy.service import purposes_of
from central.privacy.vault import Erased, Vault
from central.visits.service import somebody_elses
from central.webhooks.changes import tried as tell_tried

BY_THEMSELVES: Final = "customer"
HALF: Final = 2.0
"""Ratings go from -2 to 2; tastes reckon with -1 to 1."""


class UnknownSkuError(Exception):
    """The store has no such product."""


class NoConsentError(Exception):
    """The person did not agree to a profile: nothing is written down about them."""


class Content(BaseModel):
    """What is sealed of an opinion."""

    liked: bool | None = None
    parameters: dict[str, int] = Field(default_factory=dict)
    note: str = ""


async def allowed(session: AsyncSession, subject: str | None) -> bool:
    """Whether this person agreed to a profile."""
    return (await purposes_of(session, subject)).get("profile", False)


async def record(effects: Effects, opinion: OpinionIn) -> OpinionOut:
    """Write an opinion down; what is said twice within a visit (or a day, without one) is one opinion that grew.

    UnknownSkuError, NoConsentError.
    """
    session = effects.session
    if not await allowed(session, opinion.subject):
        raise NoConsentError("the customer has not agreed to a profile: nothing can be kept about them")
    if await session.get(Product, (opinion.store, opinion.sku)) is None:
        raise UnknownSkuError(f"sku: store {opinion.store} has no product {opinion.sku!r}")
    row = await _same(effects, opinion)
    before = _content(effects.vault, row) if row else Content()
    content = Content(
        liked=before.liked if opinion.liked is None else opinion.liked,
        parameters={**before.parameters, **opinion.parameters},
        note=opinion.note or before.note,
    )
    try:
        sealed = effects.vault.seal(opinion.subject, content.model_dump())
    except Erased:
        raise NoConsentError("the customer's data was erased") from None
    if row is None:
        fields = opinion.model_dump(include={"subject", "store", "visit", "sku", "by"})
        row = Opinion(**fields, at=effects.now, sealed=sealed)
        session.add(row)
    row.at, row.sealed = effects.now, sealed
    await session.flush()
    told = {"visit": row.visit, "sku": row.sku, "liked": content.liked, "parameters": content.parameters}
    await tell_tried(effects, row.store, row.subject, row.id, told)
    return _out(row, content)


async def _same(effects: Effects, opinion: OpinionIn) -> Opinion | None:
    statement = (
        select(Opinion)
        .where(
            Opinion.subject == opinion.subject,
            Opinion.store == opinion.store,
            Opinion.sku == opinion.sku,
            Opinion.by == opinion.by,
            Opinion.visit.is_(None) if opinion.visit is None else Opinion.visit == opinion.visit,
        )
        .order_by(Opinion.at.desc())
        .limit(1)
    )
    row = (await effects.session.scalars(statement)).first()
    if row is not None and opinion.visit is None and row.at.date() != effects.now.date():
        return None
    return row


def _content(vault: Vault, row: Opinion) -> Content:
    opened = vault.open(row.subject, row.sealed)
    return Content.model_validate(opened) if isinstance(opened, dict) else Content()


def _out(row: Opinion, content: Content) -> OpinionOut:
    return OpinionOut(
        id=row.id, store=row.store, visit=row.visit, sku=row.sku, by=row.by, at=row.at, **content.model_dump()
    )


async def of_subject(session: AsyncSession, vault: Vault, subject: str, limit: int = 200) -> list[OpinionOut]:
    """What somebody thought, newest first; nothing without their consent to a profile."""
    if not await allowed(session, subject):
        return []
    mine = (Opinion.subject == subject, theirs())
    statement = select(Opinion).where(*mine).order_by(Opinion.at.desc(), Opinion.id.desc())
    rows = (await session.scalars(statement.limit(limit))).all()
    return [_out(row, Content.model_validate(opened)) for row in rows if (opened := vault.open(subject, row.sealed))]


def theirs() -> ColumnElement[bool]:
    """What a consultant wrote down in a visit that turned out to be somebody else's is not about this person."""
    mistaken = somebody_elses(Opinion.store, Opinion.visit, Opinion.subject)
    return (Opinion.by == BY_THEMSELVES) | Opinion.visit.is_(None) | ~mistaken


async def tried(session: AsyncSession, vault: Vault, subject: str) -> list[Tried]:
    """The products somebody tried, the last first, with what was said of them on all occasions."""
    return together(await of_subject(session, vault, subject))


def together(opinions: list[OpinionOut]) -> list[Tried]:
    """Opinions (newest first) by product: of two words about one thing the newer counts."""
    found: dict[tuple[str, str], Tried] = {}
    for opinion in opinions:
        key = (opinion.store, opinion.sku)
        entry = found.get(key)
        if entry is None:
            entry = found[key] = Tried(
                store=opinion.store, sku=opinion.sku, last_at=opinion.at, liked=None, parameters={}, notes=[], visits=[]
            )
        entry.liked = opinion.liked if entry.liked is None else entry.liked
        entry.parameters = {**opinion.parameters, **entry.parameters}
        entry.notes += [opinion.note] if opinion.note else []
        entry.visits += [opinion.visit] if opinion.visit and opinion.visit not in entry.visits else []
    return list(found.values())


def judged(entry: Tried) -> Judged:
    """As taste reckons with it."""
    return judgement(entry.sku, entry.liked, entry.parameters)


def judgement(sku: str, liked: bool | None, parameters: Mapping[str, int]) -> Judged:
    """The same from its parts; names of parameters become canonical."""
    words = lexicon()
    ratings = {words.named(name) or words.key(name): rating / HALF for name, rating in parameters.items()}
    return Judged(sku, overall_of(liked, ratings), ratings)


def newest(opinions: list[OpinionOut]) -> datetime | None:
    """When somebody last said something."""
    return max((opinion.at for opinion in opinions), default=None)
