"""What consultants did, the formula in force, and what became of it. Sums outlive the customer; the link does not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import NOBODY, holds


class ContributionEvidence(Base):
    """One deed. `reference` is what it was done with (an alert, an opinion, a basket): told twice, kept once."""

    __tablename__ = "contribution_evidence"
    __table_args__ = (
        Index("uq_contribution_evidence_reference", "store", "kind", "reference", "consultant", unique=True),
        Index("ix_contribution_evidence_subject", "subject", "at"),
        Index("ix_contribution_evidence_visit", "store", "visit"),
        {"info": holds("subject", "detach", blank=("subject", "visit"))},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    consultant: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(String(80))
    visit: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(64))
    sku: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class ContributionShare(Base):
    """A consultant's part of one sale line, as the formula in force at the time made it."""

    __tablename__ = "contribution_shares"
    __table_args__ = (
        ForeignKeyConstraint(
            ["channel", "scope", "sale", "sku"],
            ["sale_lines.channel", "sale_lines.scope", "sale_lines.sale", "sale_lines.sku"],
            name="fk_contribution_shares_line",
            ondelete="CASCADE",
        ),
        Index("ix_contribution_shares_consultant", "store", "consultant", "sold_at"),
        {"info": NOBODY},
    )

    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    sale: Mapped[str] = mapped_column(String(64), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    consultant: Mapped[str] = mapped_column(String(80), primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    """The shop whose consultant it is, which need not be the seller."""
    sold_at: Mapped[datetime]
    share: Mapped[float]
    amount: Mapped[int] = mapped_column(BigKey)
    """Minor units: the share of what the line was charged."""
    formula: Mapped[int | None] = mapped_column(BigKey)
    """Which formula; null: the default one."""


class ContributionReason(Base):
    """Which deed brought how many points for which share."""

    __tablename__ = "contribution_reasons"
    __table_args__ = (
        ForeignKeyConstraint(
            ["channel", "scope", "sale", "sku", "consultant"],
            [
                "contribution_shares.channel",
                "contribution_shares.scope",
                "contribution_shares.sale",
                "contribution_shares.sku",
                "contribution_shares.consultant",
            ],
            name="fk_contribution_reasons_share",
            ondelete="CASCADE",
        ),
        {"info": NOBODY},
    )

    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    sale: Mapped[str] = mapped_column(String(64), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    consultant: Mapped[str] = mapped_column(String(80), primary_key=True)
    evidence: Mapped[int] = mapped_column(BigKey, primary_key=True)
    points: Mapped[float]


class ContributionFormula(Base):
    """A formula as it was put in force; the newest of a store counts for sales recorded from then on."""

    __tablename__ = "contribution_formulas"
    __table_args__ = (Index("ix_contribution_formulas_store", "store"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    activated_by: Mapped[str] = mapped_column(String(100))
    activated_at: Mapped[datetime]
