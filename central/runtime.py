"""What a running central consists of, and the one way to change its data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import select

from central.alerts import service as alerts
from central.alerts.hub import Change, Hub
from central.alerts.tables import Alert
from central.bus import Bus
from central.database import Database
from central.effects import Effects
from central.fleet.tables import Node
from central.ingest.tables import Mark
from central.keys import Keys
from central.outgoing.service import message, wire
from central.privacy.vault import Vault
from central.settings import Settings
from central.settling import finish
from central.wake import Wake
from contract.clock import Clock
from contract.commands import Receipt
from contract.values import Wire


@dataclass(slots=True)
class Runtime:
    """Made once per application. `bus` is None in the command line and in tests without a broker."""

    settings: Settings
    db: Database
    clock: Clock
    keys: Keys
    vault: Vault
    hub: Hub = field(default_factory=Hub)
    bus: Bus | None = None
    wake: Wake = field(default_factory=Wake)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Effects]:
        """A transaction with its effects: concluded before the commit, told to nodes and pages after it."""
        async with self.db.write() as session:
            effects = Effects(session, self.clock.now(), self.keys, self.settings, self.vault)
            yield effects
            await finish(effects)
            news = await self._draw(effects)
        for store, change in news:
            self.hub.publish(store, change)
        await self._settle(effects)

    async def _settle(self, effects: Effects) -> None:
        for command in effects.commands:
            self._publish(*wire(command.store, command.node, command.kind, command.data, effects.now))
        for store, node in sorted(effects.births):
            await self._receipt_after_birth(store, node)
        if effects.galleries:
            self.wake.galleries.set()
        if effects.erasures:
            self.wake.erasures.set()

    async def _draw(self, effects: Effects) -> list[tuple[str, Change]]:
        """Cards for the open pages, drawn before the commit so that they leave right after it."""
        listened = [change for change in effects.changes if self.hub.listening(change.store)]
        if not listened:
            return []
        wanted = {change.alert for change in listened}
        rows = (await effects.session.scalars(select(Alert).where(Alert.id.in_(wanted)))).all()
        cards = {card.id: card for card in await alerts.draw(effects.session, self.vault, rows, effects.now)}
        return [(change.store, Change(change.id, change.event, cards[change.alert])) for change in listened]

    async def _receipt_after_birth(self, store: str, node: str) -> None:
        async with self.db.read() as session:
            row = await session.get(Node, (store, node))
            mark = await session.get(Mark, (store, node, row.session)) if row and row.session else None
        if mark is not None:
            self.send(store, node, Receipt(session=mark.session, sequence=mark.high_water))

    def send(self, store: str, node: str, command: Wire) -> None:
        """Publish a command that needs no row of its own (a receipt)."""
        self._publish(*message(store, node, command, self.clock.now()))

    def _publish(self, topic: str, payload: bytes) -> None:
        if self.bus is not None:
            self.bus.send(topic, payload)


def _runtime(request: Request) -> Runtime:
    runtime = request.app.state.runtime
    assert isinstance(runtime, Runtime)
    return runtime


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
