"""Customer's page: reviews of products. Issue 5."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "product_reviews",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("rating", sa.Double(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pros", sa.JSON(), nullable=False),
        sa.Column("cons", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("store", "feed", "id", "sku", name=op.f("pk_product_reviews")),
    )
    op.create_index("ix_product_reviews_sku_at", "product_reviews", ["store", "sku", "at"], unique=False)


def downgrade() -> None:
    """Back to the one before. The next reading of the feed brings the reviews back."""
    op.drop_table("product_reviews")
