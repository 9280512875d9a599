"""Sales and their lines. A sale outlives the person: erasure takes the person off it and leaves the sums."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import NOBODY, holds


class Sale(Base):
    """One receipt of a till, or one order of the site. `id` is the seller's own number: told twice, kept once."""

    __tablename__ = "sales"
    __table_args__ = (
        Index("ix_sales_subject_at", "subject", "at"),
        Index("ix_sales_store_at", "store", "at"),
        {"info": holds("subject", "detach", blank=("subject", "visit"))},
    )

    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    """`till` or `site`."""
    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    """Whose numbering `id` is of: the store of a till, the source of a site."""
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    """The shop of a till's sale; of a site's order, the shop the customer belongs to."""
    subject: Mapped[str | None] = mapped_column(String(64))
    visit: Mapped[str | None] = mapped_column(String(64))
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class SaleLine(Base):
    """One article of a sale. `price` is what one piece was charged, in minor units."""

    __tablename__ = "sale_lines"
    __table_args__ = (
        ForeignKeyConstraint(
            ["channel", "scope", "sale"],
            ["sales.channel", "sales.scope", "sales.id"],
            name="fk_sale_lines_sale",
            ondelete="CASCADE",
        ),
        Index("ix_sale_lines_sku", "sku"),
        {"info": NOBODY},
    )

    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    sale: Mapped[str] = mapped_column(String(64), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    quantity: Mapped[int]
    price: Mapped[int] = mapped_column(BigKey)
    quote: Mapped[str | None] = mapped_column(String(64))
