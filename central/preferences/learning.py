"""What groups of people like: priors for those of whom little is known. A group smaller than MIN_PEOPLE is not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.database import Database
from central.preferences import shelf
from central.preferences.opinions import Content, judged, theirs, together
from central.preferences.schemas import OpinionOut
from central.preferences.tables import Opinion, Prior
from central.preferences.taste import Belief, Item, Judged, learn, popularity, space_of
from central.privacy.service import purposes_of_many
from central.privacy.vault import Vault
from central.segments.tables import CustomerSegments

MIN_PEOPLE: Final = 5
EVERYBODY: Final = ""
_MOST_PEOPLE: Final = 5000
Segments = Mapping[str, Sequence[str]]
"""Segments by subject."""


async def people(session: AsyncSession, vault: Vault, store: str) -> dict[str, list[Judged]]:
    """Opinions given in a store by people who agree to a profile, by subject."""
    rows = (
        await session.scalars(select(Opinion).where(Opinion.store == store, theirs()).order_by(Opinion.at.desc()))
    ).all()
    agreed = {
        subject
        for subject, purposes in (await purposes_of_many(session, {row.subject for row in rows})).items()
        if purposes.get("profile")
    }
    said: dict[str, list[OpinionOut]] = {}
    for row in rows:
        opened = vault.open(row.subject, row.sealed) if row.subject in agreed else None
        if opened is None:
            continue
        content = Content.model_validate(opened)
        out = OpinionOut(
            id=row.id, store=store, visit=row.visit, sku=row.sku, by=row.by, at=row.at, **content.model_dump()
        )
        said.setdefault(row.subject, []).append(out)
    some = list(said.items())[:_MOST_PEOPLE]
    return {subject: [judged(entry) for entry in together(opinions)] for subject, opinions in some}


def counted(opinions: Iterable[Sequence[Judged]], at_least: int = MIN_PEOPLE) -> dict[str, tuple[int, int]]:
    """(liked, disliked) by SKU, of products that at least so many people spoke about."""
    found: dict[str, tuple[int, int]] = {}
    for person in opinions:
        for opinion in person:
            if opinion.overall:
                good, bad = found.get(opinion.sku, (0, 0))
                found[opinion.sku] = (good + (opinion.overall > 0), bad + (opinion.overall < 0))
    return {sku: likes for sku, likes in found.items() if sum(likes) >= at_least}


async def relearn(db: Database, vault: Vault, store: str, now: datetime, segments: Segments | None = None) -> int:
    """Learn a store's priors anew from what people there agree to be counted for; how many were kept.

    `segments`: as they are kept (central.segments), unless given.
    """
    async with db.read() as session:
        everyone = await people(session, vault, store)
        segments = await _kept_segments(session, store, everyone) if segments is None else segments
        rows = await shelf.by_sku(session, store, {opinion.sku for person in everyone.values() for opinion in person})
        shelves = {
            category: [good.item for good in await shelf.in_categories(session, store, [category or None])]
            for category in sorted({row.category or "" for row in rows.values()})
        }
    # Seconds of arithmetic: beside the event loop, and with no transaction open.
    found = await asyncio.to_thread(_all_priors, everyone, shelves, segments)
    async with db.write() as session:
        await session.execute(delete(Prior).where(Prior.store == store))
        session.add_all(Prior(store=store, learned_at=now, **prior) for prior in found)
    return len(found)


async def _kept_segments(session: AsyncSession, store: str, everyone: Collection[str]) -> Segments:
    """Of those who agree to a profile: `everyone` holds nobody else."""
    rows = (await session.scalars(select(CustomerSegments).where(CustomerSegments.store == store))).all()
    return {row.subject: row.segments for row in rows if row.subject in everyone}


def _all_priors(
    everyone: Mapping[str, Sequence[Judged]], shelves: Mapping[str, Sequence[Item]], segments: Segments
) -> list[dict[str, object]]:
    return [
        {"category": category, **prior}
        for category, items in shelves.items()
        for prior in _priors(everyone, items, segments)
    ]


def _priors(
    everyone: Mapping[str, Sequence[Judged]], items: Sequence[Item], segments: Segments
) -> list[dict[str, object]]:
    by_sku = {item.sku: item for item in items}
    here = {
        subject: mine
        for subject, said in everyone.items()
        if (mine := [opinion for opinion in said if opinion.sku in by_sku])
    }
    likes = counted(here.values())
    space = space_of(items, popularity(likes))
    groups: dict[str, list[Sequence[Judged]]] = {EVERYBODY: list(here.values())}
    for subject, said in here.items():
        for segment in segments.get(subject, ()):
            groups.setdefault(segment, []).append(said)
    found: list[dict[str, object]] = []
    start = Belief()
    for segment, members in groups.items():
        if len(members) < MIN_PEOPLE:
            continue
        belief = learn(space, members, by_sku, start)
        start = belief if segment == EVERYBODY else start  # a small segment leans on everybody
        weights = {key: [round(belief.mean[key], 5), round(belief.variance[key], 5)] for key in space.keys}
        shown = {sku: list(pair) for sku, pair in counted(members).items()}
        found.append({"segment": segment, "people": len(members), "weights": weights, "likes": shown})
    return found


def belief_of(priors: Sequence[Prior], segments: Sequence[str]) -> Belief:
    """Of somebody in these segments: their mean; everybody's when none of them was learned."""
    mine = [prior for prior in priors if prior.segment in segments]
    mine = mine or [prior for prior in priors if prior.segment == EVERYBODY]
    mean: dict[str, list[float]] = {}
    variance: dict[str, list[float]] = {}
    for prior in mine:
        for key, pair in prior.weights.items():
            assert isinstance(pair, list)
            mean.setdefault(key, []).append(float(pair[0]))
            variance.setdefault(key, []).append(float(pair[1]))
    return Belief(
        {key: sum(values) / len(values) for key, values in mean.items()},
        {key: max(values) for key, values in variance.items()},
    )


def likes_of(priors: Sequence[Prior]) -> dict[str, tuple[int, int]]:
    """(liked, disliked) by SKU among everybody."""
    found: dict[str, tuple[int, int]] = {}
    for prior in priors:
        if prior.segment == EVERYBODY:
            for sku, pair in prior.likes.items():
                assert isinstance(pair, list)
                found[sku] = (int(pair[0]), int(pair[1]))
    return found
