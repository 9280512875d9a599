"""Stores with their plan, and products with their public price."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict


class Store(Base):
    """A shop. `layout` is the plan with zones, lines and cameras; `pricing` and `disclosures` its rules as data."""

    __tablename__ = "stores"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    region: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    language: Mapped[str] = mapped_column(String(2))
    timezone: Mapped[str] = mapped_column(String(60))
    layout: Mapped[JsonDict]
    pricing: Mapped[JsonDict]
    disclosures: Mapped[JsonDict]
    imported_at: Mapped[datetime]


class Product(Base):
    """What is sold in a store, at its public price."""

    __tablename__ = "products"

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    gtin: Mapped[str | None] = mapped_column(String(14))
    title: Mapped[JsonDict]
    subtitle: Mapped[JsonDict]
    price: Mapped[int] = mapped_column(BigKey)
    cost: Mapped[int | None] = mapped_column(BigKey)
    currency: Mapped[str] = mapped_column(String(3))
    url: Mapped[str] = mapped_column(String(160), default="")
    parameters: Mapped[JsonDict]
