"""The nodes: what they said of themselves, their key, and the counter of commands sent to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict
from central.holdings import NOBODY


class Node(Base):
    """One node. The first key it shows is trusted; another one waits for an administrator."""

    __tablename__ = "nodes"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    online: Mapped[bool] = mapped_column(default=False)
    session: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[datetime | None]
    status: Mapped[JsonDict | None]
    health: Mapped[JsonDict | None]
    status_at: Mapped[datetime | None]
    health_at: Mapped[datetime | None]
    trusted_key: Mapped[str | None] = mapped_column(String(64))
    offered_key: Mapped[str | None] = mapped_column(String(64))
    command_sequence: Mapped[int] = mapped_column(BigKey, default=0)
