"""New rules tried on what really happened: the same occasions, under the rules in force and under the new ones."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.pricing import rulebook
from central.pricing.facts import Occasion, reopened
from central.pricing.quoting import offer_for, rules_of
from central.pricing.rules import Offer, PriceRules
from central.pricing.ruleset import Ruleset, Use
from central.pricing.schemas import ChangeOut, DryRunOut, RuleUse
from central.pricing.tables import PriceOccasion
from central.privacy.service import purposes_of_many
from central.privacy.vault import Vault

MOST = 50_000
"""Occasions replayed at most: the newest."""
LISTED = 100
"""Changed occasions listed when nobody asks for another number."""
_NEEDED = ("profile", "personal_price")


@dataclass(frozen=True, slots=True)
class Played:
    """An occasion to replay: the visit it belongs to stands for the person."""

    visit: str
    subject: str
    occasion: Occasion


@dataclass(slots=True)
class Difference:
    """How many occasions there were, became cheaper, became dearer; the last ones that changed, newest first."""

    occasions: int = 0
    cheaper: int = 0
    dearer: int = 0
    changes: list[ChangeOut] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """One set of rules, played in the order things happened. Campaigns run from their full budget."""

    ruleset: Ruleset
    limits: PriceRules
    quotes: int = 0
    off: int = 0
    floored: int = 0
    limited: int = 0
    lowest: float | None = None
    rules: Counter[str] = field(default_factory=Counter)
    rule_off: Counter[str] = field(default_factory=Counter)
    _uses: dict[str, Use] = field(default_factory=dict)
    _by_customer: Counter[tuple[str, str]] = field(default_factory=Counter)

    def play(self, subject: str, occasion: Occasion) -> Offer | None:
        """One occasion."""
        offer = offer_for(occasion, self.ruleset, self._seen_by(subject), self.limits, bonuses=occasion.bonuses)
        if offer is None:
            return None
        public = occasion.facts.public
        self.quotes += 1
        self.off += public - offer.price
        self.floored += "margin_floor" in offer.reasons
        self.limited += "limited" in offer.reasons
        share = offer.price / public
        self.lowest = share if self.lowest is None else min(self.lowest, share)
        for part in offer.parts:
            self.rules[part.reason] += 1
            self.rule_off[part.reason] += part.off
            if part.campaign is not None:
                self._use(subject, part.campaign, part.off)
        return offer

    def _use(self, subject: str, campaign: str, off: int) -> None:
        before = self._uses.get(campaign, Use())
        self._uses[campaign] = Use(before.spent + off, before.uses + 1)
        self._by_customer[campaign, subject] += 1

    def _seen_by(self, subject: str) -> Mapping[str, Use]:
        return {name: Use(use.spent, use.uses, self._by_customer[name, subject]) for name, use in self._uses.items()}


def compare(occasions: Iterable[Played], now: Tally, then: Tally, listed: int = LISTED) -> Difference:
    """The same occasions under both; they come in the order they happened."""
    found = Difference()
    last: deque[ChangeOut] = deque(maxlen=listed)
    for played in occasions:
        found.occasions += 1
        offers = [tally.play(played.subject, played.occasion) for tally in (now, then)]
        change = _change(played, *offers)
        found.cheaper += change.price_then < change.price_now
        found.dearer += change.price_then > change.price_now
        if change.price_then != change.price_now:
            last.appendleft(change)
    found.changes = list(last)
    return found


def _change(played: Played, before: Offer | None, after: Offer | None) -> ChangeOut:
    facts = played.occasion.facts
    return ChangeOut(
        at=facts.at,
        visit=played.visit,
        sku=facts.sku,
        public=facts.public,
        price_now=before.price if before else facts.public,
        price_then=after.price if after else facts.public,
        reasons_now=list(before.reasons) if before else [],
        reasons_then=list(after.reasons) if after else [],
    )


async def dry_run(
    session: AsyncSession,
    vault: Vault,
    store: Store,
    proposed: Ruleset,
    now: datetime,
    days: int,
    listed: int = LISTED,
) -> DryRunOut:
    """The last `days` of a store; every quote is taken as used, so that budgets are judged at their worst.

    Who took back a purpose that a price needs is left out.
    """
    statement = (
        select(PriceOccasion)
        .where(PriceOccasion.store == store.id, PriceOccasion.at >= now - timedelta(days=days))
        .order_by(PriceOccasion.at.desc())
        .limit(MOST)
    )
    rows = list(reversed((await session.scalars(statement)).all()))
    purposes = await purposes_of_many(session, {row.subject for row in rows})
    allowed = {who for who, given in purposes.items() if all(given.get(name, False) for name in _NEEDED)}
    kept = [row for row in rows if row.subject in allowed]
    opened = [(row, reopened(vault.open(row.subject, row.sealed))) for row in kept]
    readable = [Played(row.visit, row.subject, occasion) for row, occasion in opened if occasion is not None]
    limits = rules_of(store)
    before, after = Tally(await rulebook.in_force(session, store.id), limits), Tally(proposed, limits)
    found = compare(readable, before, after, listed)
    return DryRunOut(
        occasions=found.occasions,
        unreadable=len(kept) - found.occasions,
        withheld=len(rows) - len(kept),
        quotes_now=before.quotes,
        quotes_then=after.quotes,
        off_now=before.off,
        off_then=after.off,
        cheaper=found.cheaper,
        dearer=found.dearer,
        at_margin_floor=after.floored,
        at_discount_limit=after.limited,
        lowest_share=after.lowest,
        rules=[RuleUse(rule=name, times=times, off=after.rule_off[name]) for name, times in after.rules.most_common()],
        unused=[rule.id for rule in proposed.rules if rule.id not in after.rules],
        changes=found.changes,
    )
