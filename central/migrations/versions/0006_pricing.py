"""Rules as data, campaigns, occasions, the till's voids and offline redemptions: issue 5."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """To this version."""
    _rules()
    _quotes()
    with op.batch_alter_table("price_ledger") as ledger:
        ledger.add_column(sa.Column("place", sa.String(length=8), nullable=False, server_default="label"))
        ledger.create_index("ix_price_ledger_visit", ["visit"], unique=False)
    with op.batch_alter_table("redemptions") as redemptions:
        redemptions.add_column(sa.Column("quantity", sa.Integer(), nullable=False, server_default="1"))
        redemptions.add_column(sa.Column("voided_at", sa.BigInteger(), nullable=True))
        redemptions.add_column(sa.Column("offline", sa.Boolean(), nullable=False, server_default=sa.false()))
        redemptions.add_column(sa.Column("conflict", sa.String(length=80), nullable=True))


def _rules() -> None:
    op.create_table(
        "price_rulesets",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("activated_by", sa.String(length=100), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_rulesets")),
    )
    op.create_index("ix_price_rulesets_store", "price_rulesets", ["store"], unique=False)
    op.create_table(
        "day_conditions",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "name", name=op.f("pk_day_conditions")),
    )
    op.create_table(
        "price_occasions",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("store", "visit", "sku", name=op.f("pk_price_occasions")),
    )
    op.create_index("ix_price_occasions_at", "price_occasions", ["store", "at"], unique=False)
    op.create_index(op.f("ix_price_occasions_subject"), "price_occasions", ["subject"], unique=False)


def _quotes() -> None:
    with op.batch_alter_table("quotes") as quotes:
        quotes.alter_column("label", existing_type=sa.String(length=40), nullable=True)
        quotes.create_index("ix_quotes_subject_sku", ["subject", "sku"], unique=False)
    op.create_table(
        "quote_discounts",
        sa.Column("quote", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("campaign", sa.String(length=40), nullable=True),
        sa.Column("off", _BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["quote"], ["quotes.id"], name=op.f("fk_quote_discounts_quote_quotes"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("quote", "rule", name=op.f("pk_quote_discounts")),
    )
    op.create_index("ix_quote_discounts_campaign", "quote_discounts", ["campaign"], unique=False)
    op.create_table(
        "campaign_uses",
        sa.Column("quote", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("campaign", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("off", _BIG, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("quote", "rule", name=op.f("pk_campaign_uses")),
    )
    op.create_index("ix_campaign_uses_campaign", "campaign_uses", ["store", "campaign"], unique=False)


def downgrade() -> None:
    """Back to the one before."""
    for table in ("campaign_uses", "quote_discounts", "price_occasions", "day_conditions", "price_rulesets"):
        op.drop_table(table)
    with op.batch_alter_table("quotes") as quotes:
        quotes.drop_index("ix_quotes_subject_sku")
    with op.batch_alter_table("price_ledger") as ledger:
        ledger.drop_index("ix_price_ledger_visit")
        ledger.drop_column("place")
    with op.batch_alter_table("redemptions") as redemptions:
        for column in ("quantity", "voided_at", "offline", "conflict"):
            redemptions.drop_column(column)
