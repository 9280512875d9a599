"""Links between identifiers and customers, with what each stands on. Values are kept as keyed hashes only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import holds


class IdentityLink(Base):
    """Somebody authenticated as `subject` used this identifier.

    `state`: `live`; `shared` when more people used the identifier than its rule allows (then it names nobody);
    `undone` by staff: later evidence does not bring it back. `subject` is `visitor:<hash>` while the retailer's own
    customer id is not imported yet.
    """

    __tablename__ = "identity_links"
    __table_args__ = (
        UniqueConstraint("value", "subject", name="uq_identity_links_pair"),
        Index("ix_identity_links_subject", "subject"),
        Index("ix_identity_links_store_state", "store", "state"),
        {"info": holds("subject", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12))
    value: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(String(100))


class IdentityEvidence(Base):
    """What a link stands on: one row for each way and source it was seen in."""

    __tablename__ = "identity_evidence"
    __table_args__ = (
        UniqueConstraint("link", "what", "source", name="uq_identity_evidence_way"),
        Index("ix_identity_evidence_subject", "subject"),
        {"info": holds("subject", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    link: Mapped[int] = mapped_column(BigKey, ForeignKey("identity_links.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(40))
    who: Mapped[str] = mapped_column(String(100))
    message: Mapped[str | None] = mapped_column(String(100))
    """Id of the first event that said so."""
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
