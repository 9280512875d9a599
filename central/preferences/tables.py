"""Opinions (sealed under the person's key) and what groups of people like, which names nobody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict
from central.holdings import NOBODY, holds


class Opinion(Base):
    """One person about one product. `sealed`: {liked, parameters {name: -2..2}, note}."""

    __tablename__ = "opinions"
    __table_args__ = (
        Index("ix_opinions_subject_at", "subject", "at"),
        Index("ix_opinions_visit", "store", "visit"),
        Index("ix_opinions_store_at", "store", "at"),
        {"info": holds("subject", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    subject: Mapped[str] = mapped_column(String(64))
    store: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str | None] = mapped_column(String(64))
    sku: Mapped[str] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(100))
    """Who wrote it down: `consultant:NAME` or `customer`."""
    at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Prior(Base):
    """Mean taste of the people of a segment in a category; kept only when enough of them agreed to be counted."""

    __tablename__ = "preference_priors"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    category: Mapped[str] = mapped_column(String(200), primary_key=True)
    segment: Mapped[str] = mapped_column(String(40), primary_key=True)
    """Empty: everybody."""
    people: Mapped[int]
    weights: Mapped[JsonDict]
    """{parameter: [mean, variance between people]} in standard deviations of the category."""
    likes: Mapped[JsonDict]
    """{sku: [liked, disliked]}: what is popular, for products enough people spoke about."""
    learned_at: Mapped[datetime]
