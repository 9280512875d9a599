"""Orders, sale lines, contribution: issue 5."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


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
    _evidence()
    _shares()


def _evidence() -> None:
    op.create_table(
        "contribution_evidence",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("consultant", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("sku", sa.String(length=64), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution_evidence")),
    )
    unique = ["store", "kind", "reference", "consultant"]
    op.create_index("uq_contribution_evidence_reference", "contribution_evidence", unique, unique=True)
    op.create_index("ix_contribution_evidence_subject", "contribution_evidence", ["subject", "at"], unique=False)
    op.create_index("ix_contribution_evidence_visit", "contribution_evidence", ["store", "visit"], unique=False)
    op.create_table(
        "contribution_formulas",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("activated_by", sa.String(length=100), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution_formulas")),
    )
    op.create_index("ix_contribution_formulas_store", "contribution_formulas", ["store"], unique=False)


def _shares() -> None:
    line = ["channel", "scope", "sale", "sku"]
    op.create_table(
        "contribution_shares",
        *_line_columns(),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("sold_at", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("amount", _BIG, nullable=False),
        sa.Column("formula", _BIG, nullable=True),
        sa.ForeignKeyConstraint(
            line, [f"sale_lines.{name}" for name in line], name="fk_contribution_shares_line", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(*line, "consultant", name=op.f("pk_contribution_shares")),
    )
    op.create_index(
        "ix_contribution_shares_consultant", "contribution_shares", ["store", "consultant", "sold_at"], unique=False
    )
    share = [*line, "consultant"]
    op.create_table(
        "contribution_reasons",
        *_line_columns(),
        sa.Column("evidence", _BIG, nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            share,
            [f"contribution_shares.{name}" for name in share],
            name="fk_contribution_reasons_share",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(*share, "evidence", name=op.f("pk_contribution_reasons")),
    )


def _line_columns() -> list[sa.Column[str]]:
    return [
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("sale", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("consultant", sa.String(length=80), nullable=False),
    ]


def downgrade() -> None:
    """Back to the one before."""
    for table in (
        "contribution_reasons",
        "contribution_shares",
        "contribution_formulas",
        "contribution_evidence",
    ):
        op.drop_table(table)
    op.drop_table("sale_lines")
    op.drop_table("sales")
