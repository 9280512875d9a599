"""Deterministic linking: the links of an identifier follow from the set of what was seen, in any order.

Only authenticated evidence comes here (behaviour.service, an import, staff); an anonymous event never links anybody.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects
from central.identity.rules import CARRIES_EVENTS, RULES, Kind
from central.identity.tables import IdentityEvidence, IdentityLink
from central.keys import Keys
from central.profiles.tables import Customer

SHARED, LIVE, UNDONE = "shared", "live", "undone"
FRESH = timedelta(days=1)
"""The last sight of a link is written down once a day."""
_LINKING = 0x7669_7472
"""PostgreSQL's advisory lock of link changes: two requests at once must not both see one person on a tablet."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A normalised, hashed value within a tenant."""

    store: str
    kind: Kind
    value: str

    @property
    def owner(self) -> str:
        """Under which name the vault and the events know it."""
        return f"visitor:{self.value}"


@dataclass(frozen=True, slots=True)
class Seen:
    """Evidence: what happened, when, told by which source, in whose name."""

    what: str
    at: datetime
    source: str
    who: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody authenticated as this subject used this identifier."""

    identifier: Identifier
    subject: str
    seen: Seen


def identifier(keys: Keys, store: str, kind: Kind, value: str) -> Identifier | None:
    """HMAC-SHA256 under central's pepper, per store; None for a value that is blocked or is none."""
    normal = RULES[kind].normalise(value)
    if normal is None:
        return None
    digest = hmac.digest(keys.pepper, f"{store}\0{kind}\0{normal}".encode(), hashlib.sha256)
    return Identifier(store, kind, digest.hex())


async def resolve(session: AsyncSession, keys: Keys, store: str, kind: Kind, value: str) -> str | None:
    """The one customer this identifier names; None when unknown, blocked, shared, or of two people."""
    if kind == "customer":
        row = await session.get(Customer, value.strip())
        if row is not None and row.store == store:
            return row.subject
    known = identifier(keys, store, kind, value)
    if known is None:
        return None
    statement = select(IdentityLink.subject).where(IdentityLink.value == known.value, IdentityLink.state == LIVE)
    subjects = (await session.scalars(statement)).all()
    return subjects[0] if len(subjects) == 1 and ":" not in subjects[0] else None


async def owners(session: AsyncSession, subject: str, most: int | None = None) -> list[str]:
    """Under which names events of this person are kept: their own, and those of visitors linked to them now.

    `most`: only the newest links; export and erasure ask for all.
    """
    statement = (
        select(IdentityLink.value)
        .where(IdentityLink.subject == subject, IdentityLink.state == LIVE, IdentityLink.kind.in_(CARRIES_EVENTS))
        .order_by(IdentityLink.id.desc())
        .limit(most)
    )
    return [subject, *sorted(f"visitor:{value}" for value in (await session.scalars(statement)).all())]


async def erasable(session: AsyncSession, keys: Keys, subject: str) -> list[str]:
    """All owner names to erase with this person: `owners`, and what a site may still send under their customer id."""
    found = await owners(session, subject)
    statement = select(Customer.store, Customer.id).where(Customer.subject == subject)
    for store, customer in (await session.execute(statement)).all():
        own = identifier(keys, store, "customer", customer)
        if own is not None and own.owner not in found:
            found.append(own.owner)
    return found


async def subjects_of(session: AsyncSession, names: Iterable[str]) -> dict[str, str]:
    """The other way round: owner name to the subject its events count for now."""
    values = [name.removeprefix("visitor:") for name in names if name.startswith("visitor:")]
    statement = select(IdentityLink.value, IdentityLink.subject).where(
        IdentityLink.value.in_(values), IdentityLink.state == LIVE, IdentityLink.kind.in_(CARRIES_EVENTS)
    )
    return {f"visitor:{value}": subject for value, subject in (await session.execute(statement)).all()}


async def claim(effects: Effects, claims: Sequence[Claim]) -> None:
    """Take evidence in; links that are new, and identifiers that have become shared, follow."""
    wanted = {(item.identifier, item.subject): item for item in reversed(claims)}
    if not wanted:
        return
    known = await _links(effects.session, {item for item, _ in wanted})
    missing = [pair for pair in wanted if _find(known, *pair) is None]
    if missing:
        if effects.session.get_bind().dialect.name == "postgresql":
            await effects.session.execute(text(f"SELECT pg_advisory_xact_lock({_LINKING})"))
            known = await _links(effects.session, {item for item, _ in wanted})
        await _add(effects, known, [pair for pair in missing if _find(known, *pair) is None])
    await _note(effects, known, claims)


async def link(effects: Effects, store: str, kind: Kind, value: str, subject: str, seen: Seen) -> IdentityLink | None:
    """Link one identifier; None when its value is blocked."""
    known = identifier(effects.keys, store, kind, value)
    if known is None:
        return None
    await claim(effects, [Claim(known, subject, seen)])
    return _find(await _links(effects.session, {known}), known, subject)


async def undo(effects: Effects, row: IdentityLink, who: str, reason: str) -> None:
    """Take a link back: events and interests count as if it had never been, and evidence does not renew it."""
    if row.state == UNDONE:
        return
    row.state, row.undone_at, row.undone_by = UNDONE, effects.now, who
    await _settle(effects, row, f"undone: {reason}"[:80], who)


async def restore(effects: Effects, row: IdentityLink, who: str) -> None:
    """Take an undoing back."""
    if row.state != UNDONE:
        return
    row.state, row.undone_at, row.undone_by = LIVE, None, None
    await _settle(effects, row, "restored", who)


async def _settle(effects: Effects, row: IdentityLink, what: str, who: str) -> None:
    known = Identifier(row.store, row.kind, row.value)  # type: ignore[arg-type]
    everybody = (await _links(effects.session, {known}))[known]
    _apply_limit(known.kind, everybody, sticky=False)
    await effects.session.flush()
    await _note(effects, {known: everybody}, [Claim(known, row.subject, Seen(what, effects.now, "staff", who))])


async def customers_known(effects: Effects, store: str, customers: Sequence[tuple[str, str]], seen: Seen) -> None:
    """(customer id, subject) of customers just imported: what came under their id before counts for them now."""
    claims, early = [], {}
    for customer_id, subject in customers:
        known = identifier(effects.keys, store, "customer", customer_id)
        if known is not None:
            claims.append(Claim(known, subject, seen))
            early[known.owner] = subject
    await claim(effects, claims)
    statement = select(IdentityLink).where(IdentityLink.subject.in_(list(early)))
    for row in (await effects.session.scalars(statement)).all():
        await _rename(effects, row, early[row.subject])


async def _rename(effects: Effects, row: IdentityLink, subject: str) -> None:
    known = Identifier(row.store, row.kind, row.value)  # type: ignore[arg-type]
    everybody = (await _links(effects.session, {known}))[known]
    if any(other.subject == subject for other in everybody):
        await effects.session.execute(delete(IdentityLink).where(IdentityLink.id == row.id))
        return
    row.subject = subject
    about = update(IdentityEvidence).where(IdentityEvidence.link == row.id).values(subject=subject)
    await effects.session.execute(about)


Known = dict[Identifier, list[IdentityLink]]


async def _links(session: AsyncSession, wanted: set[Identifier]) -> Known:
    found: Known = {item: [] for item in wanted}
    values = sorted(item.value for item in wanted)
    for start in range(0, len(values), 500):
        statement = select(IdentityLink).where(IdentityLink.value.in_(values[start : start + 500]))
        for row in (await session.scalars(statement.order_by(IdentityLink.id))).all():
            found[Identifier(row.store, row.kind, row.value)].append(row)  # type: ignore[arg-type]
    return found


def _find(known: Known, item: Identifier, subject: str) -> IdentityLink | None:
    return next((row for row in known.get(item, ()) if row.subject == subject), None)


async def _add(effects: Effects, known: Known, pairs: Sequence[tuple[Identifier, str]]) -> None:
    for item, subject in pairs:
        row = IdentityLink(
            store=item.store, kind=item.kind, value=item.value, subject=subject, state=LIVE, created_at=effects.now
        )
        effects.session.add(row)
        known[item].append(row)
    for item in {item for item, _ in pairs}:
        _apply_limit(item.kind, known[item], sticky=True)
    await effects.session.flush()


def _apply_limit(kind: Kind, rows: Sequence[IdentityLink], *, sticky: bool) -> None:
    """`sticky`: once shared, only staff make it name somebody again - not the erasure of one of the two."""
    claimed = [row for row in rows if row.state != UNDONE]
    shared = len(claimed) > RULES[kind].limit or (sticky and any(row.state == SHARED for row in claimed))
    for row in claimed:
        row.state = SHARED if shared else LIVE


async def _note(effects: Effects, known: Known, claims: Sequence[Claim]) -> None:
    """Write down what the links stand on."""
    ways: dict[tuple[int, str, str], list[Claim]] = defaultdict(list)
    subjects: dict[int, str] = {}
    for item in claims:
        row = _find(known, item.identifier, item.subject)
        if row is not None:
            ways[row.id, item.seen.what, item.seen.source].append(item)
            subjects[row.id] = row.subject
    statement = select(IdentityEvidence).where(IdentityEvidence.link.in_(list(subjects)))
    written = {(row.link, row.what, row.source): row for row in (await effects.session.scalars(statement)).all()}
    for way, items in ways.items():
        first, last = min(items, key=lambda item: item.seen.at).seen, max(item.seen.at for item in items)
        before = written.get(way)
        if before is None:
            link_id, what, source = way
            effects.session.add(
                IdentityEvidence(
                    link=link_id,
                    subject=subjects[link_id],
                    what=what,
                    source=source,
                    who=first.who,
                    message=first.message,
                    first_at=first.at,
                    last_at=last,
                )
            )
        elif first.at < before.first_at:
            before.first_at, before.message, before.who = first.at, first.message, first.who
        elif last > before.last_at + FRESH:
            before.last_at = last
    await effects.session.flush()
