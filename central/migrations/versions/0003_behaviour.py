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


def downgrade() -> None:
    """Back to the one before."""
    _unseal_customers()


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
