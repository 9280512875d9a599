"""Roll-ups, queues, groups, audits of counting: issue 4."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""


def downgrade() -> None:
    """Back to the one before."""
