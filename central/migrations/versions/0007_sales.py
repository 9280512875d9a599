"""Orders, sale lines, contribution: issue 5."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "sales",
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "scope", "id", name=op.f("pk_sales")),
    )
    op.create_index("ix_sales_subject_at", "sales", ["subject", "at"], unique=False)
    op.create_index("ix_sales_store_at", "sales", ["store", "at"], unique=False)
    op.create_table(
        "sale_lines",
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("sale", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quote", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel", "scope", "sale"],
            ["sales.channel", "sales.scope", "sales.id"],
            name="fk_sale_lines_sale",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("channel", "scope", "sale", "sku", name=op.f("pk_sale_lines")),
    )
    op.create_index("ix_sale_lines_sku", "sale_lines", ["sku"], unique=False)


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("sale_lines")
    op.drop_table("sales")
