"""Rule files in force, and the segments each customer was last found in (so that a change can be told)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import NOBODY, holds


class SegmentRuleset(Base):
    """A rule file as it was activated; the newest of a store is in force."""

    __tablename__ = "segment_rulesets"
    __table_args__ = (Index("ix_segment_rulesets_store", "store"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    activated_by: Mapped[str] = mapped_column(String(100))
    activated_at: Mapped[datetime]


class CustomerSegments(Base):
    """The segments of one customer as last computed."""

    __tablename__ = "customer_segments"
    __table_args__ = (
        Index("ix_customer_segments_computed", "store", "computed_at"),
        {"info": holds("subject", "delete")},
    )

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    segments: Mapped[list[str]]
    computed_at: Mapped[datetime]
    changed_at: Mapped[datetime]
