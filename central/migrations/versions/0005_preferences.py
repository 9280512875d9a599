"""Opinions and preference models: issue 5."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "opinions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinions")),
    )
    op.create_index("ix_opinions_subject_at", "opinions", ["subject", "at"])
    op.create_index("ix_opinions_visit", "opinions", ["store", "visit"])
    op.create_index("ix_opinions_store_at", "opinions", ["store", "at"])
    op.create_table(
        "preference_priors",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.Column("segment", sa.String(length=40), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("likes", sa.JSON(), nullable=False),
        sa.Column("learned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "category", "segment", name=op.f("pk_preference_priors")),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("preference_priors")
    op.drop_table("opinions")
