"""Feeds, stock, price history: issue 5."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = {
    "ix_products_store_gtin": ["store", "gtin"],
    "ix_products_store_category": ["store", "category"],
    "ix_products_sale_from": ["sale_from"],
    "ix_products_sale_until": ["sale_until"],
}


def upgrade() -> None:
    """To this version."""
    for column in _product_columns():
        op.add_column("products", column)
    for name, columns in _INDEXES.items():
        op.create_index(name, "products", columns)
    _stock()
    _price_changes()
    _feeds()
    _feed_runs()
    # The history begins with the prices of today: what was before nobody kept.
    op.execute(
        "INSERT INTO price_changes (store, sku, price, from_at)"
        " SELECT p.store, p.sku, p.price, s.imported_at FROM products p JOIN stores s ON s.id = p.store"
    )


def downgrade() -> None:
    """Back to the one before."""
    for table in ("feed_runs", "feeds", "price_changes", "stock"):
        op.drop_table(table)
    for name in _INDEXES:
        op.drop_index(name, "products")
    for column in _product_columns():
        op.drop_column("products", column.name)


def _product_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("brand", sa.String(length=120), nullable=True),
        sa.Column("category", sa.String(length=200), nullable=True),
        sa.Column("model", sa.String(length=120), nullable=True),
        sa.Column("page", sa.String(length=512), nullable=True),
        sa.Column("pictures", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("available", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("online", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("regular_price", _KEY, nullable=True),
        sa.Column("sale_price", _KEY, nullable=True),
        sa.Column("sale_from", sa.BigInteger(), nullable=True),
        sa.Column("sale_until", sa.BigInteger(), nullable=True),
        sa.Column("old_price", _KEY, nullable=True),
        sa.Column("feed", sa.String(length=40), nullable=True),
        sa.Column("digest", sa.String(length=32), nullable=True),
    ]


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("outlet", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("delivery_days", sa.Integer(), nullable=True),
        sa.Column("delivery_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "sku", "outlet", name=op.f("pk_stock")),
    )


def _price_changes() -> None:
    op.create_table(
        "price_changes",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("price", _KEY, nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_changes")),
    )
    op.create_index("ix_price_changes_sku_from", "price_changes", ["store", "sku", "from_at"])


def _feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=True),
        sa.Column("every_minutes", sa.Integer(), nullable=True),
        sa.Column("delta", sa.Boolean(), nullable=False),
        sa.Column("outlet", sa.String(length=64), nullable=True),
        sa.Column("max_bad_share", sa.Double(), nullable=False),
        sa.Column("max_missing_share", sa.Double(), nullable=False),
        sa.Column("etag", sa.String(length=256), nullable=True),
        sa.Column("last_modified", sa.String(length=64), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("store", "name", name=op.f("pk_feeds")),
    )
    op.create_index("ix_feeds_next_at", "feeds", ["next_at"])


def _feed_runs() -> None:
    op.create_table(
        "feed_runs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("offers", sa.Integer(), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_runs")),
    )
    op.create_index("ix_feed_runs_feed_at", "feed_runs", ["store", "feed", "started_at"])
