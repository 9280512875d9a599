"""One transaction's unit of work: what changed, what must be looked at before commit, what must be told after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts.tables import AlertChange
from central.database import Base
from central.keys import Keys
from central.labels.tables import Presence
from central.outgoing.tables import OutgoingCommand
from central.privacy.vault import Vault
from central.settings import Settings
from central.visits.tables import Visit


@dataclass(slots=True)
class Effects:
    """Handed to everything that changes data. `central.settling.finish` runs before the commit, `settle` after."""

    session: AsyncSession
    now: datetime
    keys: Keys
    settings: Settings
    vault: Vault
    visits: set[tuple[str, str]] = field(default_factory=set)
    """(store, visit) whose identity must be concluded again."""
    zones: set[tuple[str, str]] = field(default_factory=set)
    """(store, zone) whose labels must be arbitrated again."""
    late_zones: set[tuple[str, str]] = field(default_factory=set)
    """Zones touched only by old news: a label may go back to public there, never become personal."""
    commands: list[OutgoingCommand] = field(default_factory=list)
    changes: list[AlertChange] = field(default_factory=list)
    births: set[tuple[str, str]] = field(default_factory=set)
    galleries: bool = False
    """Somebody's template came, went or must be renewed."""
    erasures: bool = False
    """Somebody is to be erased (privacy.erasing)."""
    rows: dict[type[Base], list[Mapping[str, object]]] = field(default_factory=lambda: defaultdict(list))
    """Rows nothing reads within the transaction: inserted together at the end."""

    visit_rows: dict[tuple[str, str], Visit | None] = field(default_factory=dict)
    """Visits looked up already, by (store, id); None: not there."""
    former: dict[tuple[str, str], str] = field(default_factory=dict)
    """Whose a (store, visit) was until this transaction, of those that turned out to be somebody else's or nobody's."""
    presence_rows: dict[tuple[str, str, str, str], Presence | None] = field(default_factory=dict)
    """The same for (store, node, zone, track)."""

    async def flush_rows(self) -> None:
        """Insert the collected rows, one statement a table."""
        for table, rows in self.rows.items():
            if rows:
                await self.session.execute(insert(table), rows)
        self.rows.clear()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event came from. `offset` is how far the node believes its clock is ahead."""

    store: str
    node: str
    received_at: datetime
    offset: timedelta = timedelta(0)

    def true(self, at: datetime) -> datetime:
        """A node's wall time on true time (invariant 6)."""
        return at - self.offset
