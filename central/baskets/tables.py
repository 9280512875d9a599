"""The basket of a customer in a store: what is in it is sealed under their key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import holds


class Basket(Base):
    """One for each customer and store. `sealed`: {lines: [{sku, quantity, by}]}."""

    __tablename__ = "baskets"
    __table_args__ = (
        UniqueConstraint("subject", "store"),
        Index("ix_baskets_store_updated", "store", "updated_at"),
        {"info": holds("subject", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    subject: Mapped[str] = mapped_column(String(64))
    store: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str | None] = mapped_column(String(64))
    """Of the last change."""
    state: Mapped[str] = mapped_column(String(16))
    """`open`, or `later`: to be finished on the site."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
