"""Erasure, export, audit: issue 5."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import context, op

from central.privacy.chain import GENESIS, Read, link_hash
from central.privacy.vault import Erased, Vault

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_READS = 2


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _vault(rows: int) -> Vault | None:
    vault = context.config.attributes.get("vault")
    if vault is None and rows:
        raise RuntimeError("templates are to be sealed: start central itself, which holds the keys of persons")
    return vault if isinstance(vault, Vault) else None


def upgrade() -> None:
    """To this version."""
    _erasures()
    op.add_column("subject_consents", sa.Column("seen_at", sa.BigInteger(), nullable=True))
    _subjects_of_events()
    _seal_templates()
    _chain_reads()


def downgrade() -> None:
    """Back to the one before."""
    _unchain_reads()
    _unseal_templates()
    op.drop_index("ix_events_subject", table_name="events")
    op.drop_column("events", "subject")
    op.drop_column("subject_consents", "seen_at")
    op.drop_table("erasures")


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("owners", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("keys", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_state", "erasures", ["state"], unique=False)


def _subjects_of_events() -> None:
    connection = op.get_bind()
    op.add_column("events", sa.Column("subject", sa.String(length=64), nullable=True))
    events = sa.table("events", sa.column("id"), sa.column("subject"), sa.column("data", sa.JSON()))
    named = events.c.data["subject"].as_string()
    connection.execute(sa.update(events).where(named.is_not(None)).values(subject=named))
    op.create_index("ix_events_subject", "events", ["subject"], unique=False)


def _seal_templates() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, store, subject, sealed_key FROM templates")).all()
    op.add_column("templates", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    vault = _vault(len(rows))
    for row in rows if vault is not None else ():
        where = {"id": row.id, "store": row.store}
        try:
            sealed = vault.seal(row.subject, row.sealed_key) if vault is not None else b""
        except Erased:
            connection.execute(sa.text("DELETE FROM templates WHERE id = :id AND store = :store"), where)
            continue
        update = sa.text("UPDATE templates SET sealed = :sealed WHERE id = :id AND store = :store")
        connection.execute(update, {**where, "sealed": sealed})
    with op.batch_alter_table("templates") as batch:
        batch.alter_column("sealed", existing_type=sa.LargeBinary(), nullable=False)
        batch.drop_column("sealed_key")


def _unseal_templates() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, store, subject, sealed FROM templates")).all()
    op.add_column("templates", sa.Column("sealed_key", sa.Text(), nullable=False, server_default=""))
    vault = _vault(len(rows))
    for row in rows if vault is not None else ():
        value = vault.open(row.subject, row.sealed) if vault is not None else None
        update = sa.text("UPDATE templates SET sealed_key = :key WHERE id = :id AND store = :store")
        connection.execute(update, {"id": row.id, "store": row.store, "key": str(value or "")})
    op.drop_column("templates", "sealed")


def _chain_reads() -> None:
    connection = op.get_bind()
    old = connection.execute(
        sa.text(
            "SELECT customers.store, customers.subject, reader, place, at FROM profile_reads"
            " JOIN customers ON customers.id = profile_reads.customer ORDER BY profile_reads.id"
        )
    ).all()
    op.drop_index("ix_profile_reads_customer", table_name="profile_reads")
    op.drop_table("profile_reads")
    reads = op.create_table(
        "profile_reads",
        sa.Column("id", _key(), autoincrement=False, nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("reader", sa.String(length=100), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_reads")),
    )
    op.create_index("ix_profile_reads_subject", "profile_reads", ["subject"], unique=False)
    op.create_index("ix_profile_reads_store_at", "profile_reads", ["store", "at"], unique=False)
    previous = GENESIS
    for number, row in enumerate(old, 1):
        reader = "customer" if row.reader.startswith("customer:") else row.reader
        read = Read(number, row.store, row.subject, reader, row.place, datetime.fromtimestamp(row.at / 1000, UTC))
        digest = link_hash(read, previous)
        values = {"id": number, "store": row.store, "subject": row.subject, "reader": reader, "place": row.place}
        connection.execute(sa.insert(reads).values(**values, at=row.at, previous=previous, hash=digest))
        previous = digest
    head = sa.text("INSERT INTO consent_head (id, last, hash) VALUES (:id, :last, :hash)")
    connection.execute(head, {"id": _READS, "last": len(old), "hash": previous})


def _unchain_reads() -> None:
    connection = op.get_bind()
    old = connection.execute(
        sa.text(
            "SELECT profile_reads.id, customers.id AS customer, reader, place, at FROM profile_reads"
            " JOIN customers ON customers.subject = profile_reads.subject ORDER BY profile_reads.id"
        )
    ).all()
    op.drop_table("profile_reads")
    reads = op.create_table(
        "profile_reads",
        sa.Column("id", _key(), nullable=False),
        sa.Column("reader", sa.String(length=100), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_reads")),
    )
    op.create_index("ix_profile_reads_customer", "profile_reads", ["customer"], unique=False)
    for row in old:
        connection.execute(sa.insert(reads).values(**row._mapping))
    connection.execute(sa.text("DELETE FROM consent_head WHERE id = :id"), {"id": _READS})
