"""Commands that must reach a node: kept until their effect is confirmed, they expire, or a newer one replaces them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict
from central.holdings import holds


class OutgoingCommand(Base):
    """One signed command. `target` is the label or subject it is about."""

    __tablename__ = "outgoing_commands"
    __table_args__ = (
        Index("ix_outgoing_commands_due", "state", "next_at"),
        Index("ix_outgoing_commands_target", "store", "node", "target"),
        {
            "info": holds(
                "subject", "keep", column="target", why="the order to forget a template waits for nodes that are away"
            )
        },
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    node: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(64))
    sequence: Mapped[int] = mapped_column(BigKey)
    data: Mapped[JsonDict]
    created_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    """waiting, confirmed, failed, expired, replaced."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
