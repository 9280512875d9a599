"""Site events, identifiers and links: issue 5. What is readable about a customer moves into a sealed column."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import context, op

from central.privacy.vault import Vault

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CLEAR = ("name", "interests", "external_ids")


def upgrade() -> None:
    """To this version."""
    _seal_customers()
    op.add_column("machine_tokens", sa.Column("source", sa.String(length=40), nullable=True))
    _events()
    _interests()
    _quarantine()
    _links()


def downgrade() -> None:
    """Back to the one before."""
    for table in (
        "identity_evidence",
        "identity_links",
        "site_sources",
        "site_quarantine",
        "site_interests",
        "site_events",
    ):
        op.drop_table(table)
    op.drop_column("machine_tokens", "source")
    _unseal_customers()


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _events() -> None:
    op.create_table(
        "site_events",
        sa.Column("id", _key(), nullable=False),
        sa.Column("source", sa.String(length=81), nullable=False),
        sa.Column("message", sa.String(length=100), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_events")),
        sa.UniqueConstraint("source", "message", name="uq_site_events_message"),
    )
    op.create_index("ix_site_events_owner_at", "site_events", ["owner", "at"], unique=False)
    op.create_index("ix_site_events_at", "site_events", ["at"], unique=False)


def _interests() -> None:
    op.create_table(
        "site_interests",
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_site_interests")),
    )
    op.create_index("ix_site_interests_updated_at", "site_interests", ["updated_at"], unique=False)


def _quarantine() -> None:
    op.create_table(
        "site_quarantine",
        sa.Column("id", _key(), nullable=False),
        sa.Column("source", sa.String(length=81), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("field", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_quarantine")),
    )
    op.create_index("ix_site_quarantine_store", "site_quarantine", ["store"], unique=False)
    op.create_index("ix_site_quarantine_received_at", "site_quarantine", ["received_at"], unique=False)
    op.create_index("ix_site_quarantine_owner", "site_quarantine", ["owner"], unique=False)
    op.create_table(
        "site_sources",
        sa.Column("source", sa.String(length=81), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("accepted", _key(), nullable=False),
        sa.Column("duplicate", _key(), nullable=False),
        sa.Column("rejected", _key(), nullable=False),
        sa.Column("withheld", _key(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_site_sources")),
    )
    op.create_index("ix_site_sources_store", "site_sources", ["store"], unique=False)


def _links() -> None:
    op.create_table(
        "identity_links",
        sa.Column("id", _key(), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_links")),
        sa.UniqueConstraint("value", "subject", name="uq_identity_links_pair"),
    )
    op.create_index("ix_identity_links_subject", "identity_links", ["subject"], unique=False)
    op.create_index("ix_identity_links_store_state", "identity_links", ["store", "state"], unique=False)
    op.create_table(
        "identity_evidence",
        sa.Column("id", _key(), nullable=False),
        sa.Column("link", _key(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("message", sa.String(length=100), nullable=True),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_evidence")),
        sa.ForeignKeyConstraint(
            ["link"], ["identity_links.id"], name=op.f("fk_identity_evidence_link_identity_links"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("link", "what", "source", name="uq_identity_evidence_way"),
    )
    op.create_index("ix_identity_evidence_subject", "identity_evidence", ["subject"], unique=False)


def _vault(rows: int) -> Vault | None:
    vault = context.config.attributes.get("vault")
    if vault is None and rows:
        raise RuntimeError("customers are to be sealed: start central itself, which holds the keys of persons")
    return vault if isinstance(vault, Vault) else None


def _seal_customers() -> None:
    connection = op.get_bind()
    op.add_column("customers", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    rows = connection.execute(sa.text("SELECT id, subject, name, interests, external_ids FROM customers")).all()
    vault = _vault(len(rows))
    if vault is not None:
        vault.prepare(row.subject for row in rows)
        for row in rows:
            value = {"name": row.name, "interests": _json(row.interests), "external_ids": _json(row.external_ids)}
            connection.execute(
                sa.text("UPDATE customers SET sealed = :sealed WHERE id = :id"),
                {"sealed": vault.seal(row.subject, value), "id": row.id},
            )
    for column in _CLEAR:
        op.drop_column("customers", column)


def _unseal_customers() -> None:
    connection = op.get_bind()
    op.add_column("customers", sa.Column("name", sa.String(length=120), nullable=False, server_default=""))
    op.add_column("customers", sa.Column("interests", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("customers", sa.Column("external_ids", sa.JSON(), nullable=False, server_default="{}"))
    rows = connection.execute(sa.text("SELECT id, subject, sealed FROM customers")).all()
    vault = _vault(len(rows))
    for row in rows if vault is not None else ():
        value = vault.open(row.subject, row.sealed) if vault is not None else None
        if isinstance(value, dict):
            connection.execute(
                sa.text("UPDATE customers SET name = :name WHERE id = :id"), {"name": value["name"], "id": row.id}
            )
            for column in ("interests", "external_ids"):
                customers = sa.table("customers", sa.column("id"), sa.column(column, sa.JSON()))
                connection.execute(
                    sa.update(customers).where(customers.c.id == row.id).values({column: value.get(column)})
                )
    op.drop_column("customers", "sealed")


def _json(value: object) -> object:
    """SQLite hands JSON over as text."""
    return json.loads(value) if isinstance(value, str) else value
