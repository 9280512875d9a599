"""New rules tried on what really happened: the same occasions, under the rules in force and under the new ones."""

from __future__ import annotations

from collections import Counter
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
from central.pricing.schemas import DryRunOut, RuleUse
from central.pricing.tables import PriceOccasion
from central.privacy.vault import Vault

MOST = 50_000
"""Occasions replayed at most: the newest."""


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


def compare(occasions: Iterable[tuple[str, Occasion]], now: Tally, then: Tally) -> tuple[int, int, int]:
    """How many occasions there were, became cheaper, became dearer."""
    count = cheaper = dearer = 0
    for subject, occasion in occasions:
        count += 1
        before, after = now.play(subject, occasion), then.play(subject, occasion)
        public = occasion.facts.public
        change = (after.price if after else public) - (before.price if before else public)
        cheaper += change < 0
        dearer += change > 0
    return count, cheaper, dearer


async def dry_run(
    session: AsyncSession, vault: Vault, store: Store, proposed: Ruleset, now: datetime, days: int
) -> DryRunOut:
    """The last `days` of a store; every quote is taken as used, so that budgets are judged at their worst."""
    statement = (
        select(PriceOccasion)
        .where(PriceOccasion.store == store.id, PriceOccasion.at >= now - timedelta(days=days))
        .order_by(PriceOccasion.at.desc())
        .limit(MOST)
    )
    rows = list(reversed((await session.scalars(statement)).all()))
    opened = [(row.subject, reopened(vault.open(row.subject, row.sealed))) for row in rows]
    readable = [(subject, occasion) for subject, occasion in opened if occasion is not None]
    limits = rules_of(store)
    before, after = Tally(await rulebook.in_force(session, store.id), limits), Tally(proposed, limits)
    count, cheaper, dearer = compare(readable, before, after)
    return DryRunOut(
        occasions=count,
        unreadable=len(rows) - count,
        quotes_now=before.quotes,
        quotes_then=after.quotes,
        off_now=before.off,
        off_then=after.off,
        cheaper=cheaper,
        dearer=dearer,
        at_margin_floor=after.floored,
        at_discount_limit=after.limited,
        lowest_share=after.lowest,
        rules=[RuleUse(rule=name, times=times, off=after.rule_off[name]) for name, times in after.rules.most_common()],
        unused=[rule.id for rule in proposed.rules if rule.id not in after.rules],
    )
