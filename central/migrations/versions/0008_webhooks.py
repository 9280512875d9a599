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
    _changes()
    _subscriptions()
    op.create_table(
        "message_templates",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("saved_by", sa.String(length=100), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "language", name=op.f("pk_message_templates")),
    )
    op.create_table(
        "prediction_models",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("learned_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("store", name=op.f("pk_prediction_models")),
    )


def _changes() -> None:
    op.create_table(
        "site_changes",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("message", sa.String(length=40), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_changes")),
        sa.UniqueConstraint("message", name=op.f("uq_site_changes_message")),
        sa.UniqueConstraint("store", "kind", "reference", name=op.f("uq_site_changes_store_kind_reference")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_site_changes_owner", "site_changes", ["owner"], unique=False)
    op.create_index("ix_site_changes_at", "site_changes", ["at"], unique=False)
    op.create_table(
        "site_pending",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "visit", name=op.f("pk_site_pending")),
    )
    op.create_index("ix_site_pending_due_at", "site_pending", ["due_at"], unique=False)


def _subscriptions() -> None:
    op.create_table(
        "webhook_subscriptions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_subscriptions")),
    )
    op.create_index("ix_webhook_subscriptions_store", "webhook_subscriptions", ["store"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("change", _BIG, nullable=False),
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["change"], ["site_changes.id"], name=op.f("fk_webhook_deliveries_change"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("change", "subscription", name=op.f("uq_webhook_deliveries_change_subscription")),
    )
    op.create_index("ix_webhook_deliveries_due", "webhook_deliveries", ["state", "next_try_at"], unique=False)
    op.create_index("ix_webhook_deliveries_subscription", "webhook_deliveries", ["subscription", "state"], unique=False)


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
    for table in (
        "prediction_models",
        "message_templates",
        "webhook_deliveries",
        "webhook_subscriptions",
        "site_pending",
        "site_changes",
    ):
        op.drop_table(table)
    op.drop_table("customer_segments")
    op.drop_table("segment_rulesets")
