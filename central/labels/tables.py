"""Shelf labels: where they hang, what they should show, what they confirmed; and who stands in which zone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict
from central.holdings import holds


class Label(Base):
    """One label. `wanted_*` is the last command, `glass_*` the last thing the label itself confirmed."""

    __tablename__ = "labels"
    __table_args__ = (
        Index("ix_labels_store_zone", "store", "zone"),
        Index("ix_labels_store_sku", "store", "sku"),
        {"info": holds("visit", "detach", column="wanted_visit", blank=("wanted_visit", "wanted_quote"))},
    )

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(40))
    zone: Mapped[str | None] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(64))
    width_px: Mapped[int]
    height_px: Mapped[int]
    x: Mapped[float | None]
    y: Mapped[float | None]

    wanted_variant: Mapped[str | None] = mapped_column(String(10))
    wanted_content: Mapped[JsonDict | None]
    wanted_public: Mapped[JsonDict | None]
    """Last public content sent: what the label goes back to by itself."""
    wanted_quote: Mapped[str | None] = mapped_column(String(64))
    wanted_visit: Mapped[str | None] = mapped_column(String(64))
    wanted_expires_at: Mapped[datetime | None]

    state: Mapped[str] = mapped_column(String(16), default="unknown")
    glass_variant: Mapped[str | None] = mapped_column(String(10))
    glass_content: Mapped[JsonDict | None]
    glass_price: Mapped[int | None] = mapped_column(BigKey)
    confirmed_public: Mapped[JsonDict | None]
    """The public content the node is known to hold; a personal price is never sent before there is one."""
    glass_quote: Mapped[str | None] = mapped_column(String(64))
    glass_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    battery_mv: Mapped[int | None]


class Presence(Base):
    """The latest stay of one floor track in one zone."""

    __tablename__ = "zone_presence"
    __table_args__ = (
        Index("ix_zone_presence_open", "store", "zone", "left_at"),
        {"info": holds("visit", "detach", blank=("visit",))},
    )

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    zone: Mapped[str] = mapped_column(String(40), primary_key=True)
    track: Mapped[str] = mapped_column(String(64), primary_key=True)
    visit: Mapped[str | None] = mapped_column(String(64), index=True)
    entered_at: Mapped[datetime | None]
    dwelled: Mapped[bool] = mapped_column(default=False)
    left_at: Mapped[datetime | None]
    touched_at: Mapped[datetime]
    """Central's clock: a track that says nothing for long is forgotten."""
