"""Segments; subscriptions, deliveries, predictions: issue 5."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this version."""
    _segments()


def _segments() -> None:
    op.create_table(
        "segment_rulesets",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("activated_by", sa.String(length=100), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_rulesets")),
    )
    op.create_index("ix_segment_rulesets_store", "segment_rulesets", ["store"], unique=False)
    op.create_table(
        "customer_segments",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("segments", sa.JSON(), nullable=False),
        sa.Column("computed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_customer_segments")),
    )
    op.create_index("ix_customer_segments_computed", "customer_segments", ["store", "computed_at"], unique=False)


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("customer_segments")
    op.drop_table("segment_rulesets")
