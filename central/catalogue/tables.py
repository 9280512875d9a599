"""Stores, products, stock, price history and feeds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Index, String, Text, false, true
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict
from central.holdings import NOBODY


class Store(Base):
    """A shop. `layout` is the plan with zones, lines and cameras; `pricing` and `disclosures` its rules as data."""

    __tablename__ = "stores"
    __table_args__ = ({"info": NOBODY},)

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
    """What is sold in a store, at its public price now. Money in minor units."""

    __tablename__ = "products"
    __table_args__ = (
        Index("ix_products_store_gtin", "store", "gtin"),
        Index("ix_products_store_category", "store", "category"),
        Index("ix_products_sale_from", "sale_from"),
        Index("ix_products_sale_until", "sale_until"),
        {"info": NOBODY},
    )

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    gtin: Mapped[str | None] = mapped_column(String(14))
    title: Mapped[JsonDict]
    subtitle: Mapped[JsonDict]
    price: Mapped[int] = mapped_column(BigKey)
    cost: Mapped[int | None] = mapped_column(BigKey)
    currency: Mapped[str] = mapped_column(String(3))
    url: Mapped[str] = mapped_column(String(160), default="")
    """What the QR on the label says."""
    parameters: Mapped[JsonDict]
    """{name: {value, unit, text}}; read it through central.catalogue.parameters."""
    brand: Mapped[str | None] = mapped_column(String(120))
    category: Mapped[str | None] = mapped_column(String(200))
    """Path from the root: "Audio / Headphones"."""
    model: Mapped[str | None] = mapped_column(String(120))
    page: Mapped[str | None] = mapped_column(String(512))
    """The retailer's own page of it."""
    pictures: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    available: Mapped[bool] = mapped_column(default=True, server_default=true())
    """False: it left the feed, or the feed says that it cannot be had."""
    online: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Sold online only: never on this store's shelf."""
    regular_price: Mapped[int | None] = mapped_column(BigKey)
    """Outside a timed sale; null when there is none."""
    sale_price: Mapped[int | None] = mapped_column(BigKey)
    sale_from: Mapped[datetime | None]
    sale_until: Mapped[datetime | None]
    old_price: Mapped[int | None] = mapped_column(BigKey)
    """Crossed out by the retailer (YML oldprice)."""
    feed: Mapped[str | None] = mapped_column(String(40))
    """Name of the feed it comes from; null: from the import file."""
    digest: Mapped[str | None] = mapped_column(String(32))
    """Of the offer as last taken in: the same again costs no write."""


class Stock(Base):
    """How many there are where. `outlet` is the store itself, another shop of the retailer, or `delivery`."""

    __tablename__ = "stock"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    outlet: Mapped[str] = mapped_column(String(64), primary_key=True)
    quantity: Mapped[int | None]
    """Null: there is some, nobody said how many."""
    delivery_days: Mapped[int | None]
    delivery_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class PriceChange(Base):
    """The public price from a moment on (30-day lowest, PRIVACY S7)."""

    __tablename__ = "price_changes"
    __table_args__ = (Index("ix_price_changes_sku_from", "store", "sku", "from_at"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(64))
    price: Mapped[int] = mapped_column(BigKey)
    from_at: Mapped[datetime]


class ProductReview(Base):
    """A review of a product on the retailer's site. Nothing of who wrote it is kept."""

    __tablename__ = "product_reviews"
    __table_args__ = (Index("ix_product_reviews_sku_at", "store", "sku", "at"), {"info": NOBODY})

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    feed: Mapped[str] = mapped_column(String(40), primary_key=True)
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    """The site's own number."""
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    rating: Mapped[float]
    """From 1 to 5."""
    at: Mapped[datetime]
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    pros: Mapped[list[str]]
    cons: Mapped[list[str]]
    digest: Mapped[str] = mapped_column(String(32))


class Feed(Base):
    """Where a store's catalogue comes from, how often, and how the last fetch went."""

    __tablename__ = "feeds"
    __table_args__ = (Index("ix_feeds_next_at", "next_at"), {"info": NOBODY})

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    format: Mapped[str] = mapped_column(String(8))
    url: Mapped[str | None] = mapped_column(String(500))
    every_minutes: Mapped[int | None]
    delta: Mapped[bool] = mapped_column(default=False)
    outlet: Mapped[str | None] = mapped_column(String(64))
    """The feed's own id of this shop; null: our store id."""
    max_bad_share: Mapped[float] = mapped_column(default=0.1)
    max_missing_share: Mapped[float] = mapped_column(default=0.5)
    etag: Mapped[str | None] = mapped_column(String(256))
    last_modified: Mapped[str | None] = mapped_column(String(64))
    next_at: Mapped[datetime | None]


class FeedRun(Base):
    """One reading of a feed. `errors`: the first hundred, each {line, sku, message}."""

    __tablename__ = "feed_runs"
    __table_args__ = (Index("ix_feed_runs_feed_at", "store", "feed", "started_at"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    feed: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    offers: Mapped[int]
    written: Mapped[int]
    unchanged: Mapped[int]
    withdrawn: Mapped[int]
    bad: Mapped[int]
    message: Mapped[str] = mapped_column(String(500), default="")
    errors: Mapped[list[JsonDict]] = mapped_column(JSON)
