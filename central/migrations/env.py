"""Alembic environment: the connection comes from central.schema, never from a file."""

from __future__ import annotations

from alembic import context

from central.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
