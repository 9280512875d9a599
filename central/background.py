"""Work that waits for time to pass: resending, leases, expiry, imports made beside us, retention."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from central.alerts import service as alerts
from central.analytics.rollup import roll_up
from central.analytics.rules import rules_of
from central.catalogue.feeds import service as feeds
from central.catalogue.tables import Store
from central.labels import service as labels
from central.labels.tables import Label
from central.outgoing import service as outgoing
from central.outgoing.service import wire
from central.predictions import service as predictions
from central.preferences import learning
from central.privacy import erasing, gallery, idle
from central.privacy.retention import forget_old
from central.runtime import Runtime
from central.segments import service as segments
from central.wake import wait
from central.webhooks import service as site
from central.webhooks.dispatch import Dispatcher

log = logging.getLogger(__name__)
RESEND_S = 1.0
GALLERY_S = 30.0
ERASE_S = 60.0
EXPIRY_S = 2.0
RETENTION_S = 3600.0
COUNT_S = 60.0
FEEDS_S = 20.0
LEARN_S = 6 * 3600.0
TELL_S = 2.0
SEGMENTS_S = 10.0
SEGMENTS_AT_ONCE = 40
DELIVER_S = 1.0


class Background:
    """The loops of one application; each survives a database that is away for a while."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._imports: dict[str, datetime] = {}
        self._dispatcher = Dispatcher(runtime)

    async def run(self) -> None:
        """Until cancelled."""
        async with aclosing(self._dispatcher), asyncio.TaskGroup() as group:
            group.create_task(self._every(RESEND_S, self.resend))
            group.create_task(self._every(EXPIRY_S, self.expire))
            group.create_task(self._every(RETENTION_S, self.retain))
            group.create_task(self._every(COUNT_S, self.count))
            group.create_task(self._every(FEEDS_S, self.feeds))
            group.create_task(self._every(LEARN_S, self.learn))
            group.create_task(self._galleries())
            group.create_task(self._erasures())
            group.create_task(self._every(TELL_S, self.tell))
            group.create_task(self._every(SEGMENTS_S, self.segments))
            group.create_task(self._every(DELIVER_S, self._dispatcher.tick))

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        lost = False
        while True:
            try:
                await work()
            except (SQLAlchemyError, OSError) as error:
                if not lost:
                    log.error("%s: %s; trying again", work.__name__, type(error).__name__)
                lost = True
            else:
                lost = False
            await asyncio.sleep(seconds)

    async def resend(self) -> None:
        """Send again what was not confirmed."""
        runtime, now = self._runtime, self._runtime.clock.now()
        async with runtime.db.read() as session:
            if not await outgoing.anything_due(session, now):
                return
        async with runtime.db.write() as session:
            rows = await outgoing.due(session, now)
        for row in rows:
            if runtime.bus is not None:
                runtime.bus.send(*wire(row.store, row.node, row.kind, row.data, now))

    async def _galleries(self) -> None:
        while True:
            await self._every_once(self.deliver)
            await wait(self._runtime.wake.galleries, GALLERY_S)

    async def _erasures(self) -> None:
        """What a crash or a restored backup left to do comes first, then whoever asks."""
        await self._every_once(self.erase_again)
        while True:
            await self._every_once(self.erase)
            await wait(self._runtime.wake.erasures, ERASE_S)

    async def erase(self) -> None:
        """Complete the erasures that are on their way."""
        await erasing.complete(self._runtime)

    async def erase_again(self) -> None:
        """Rows of erased persons that a restored backup brought back."""
        await erasing.replay(self._runtime)

    async def _every_once(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (SQLAlchemyError, OSError) as error:
            log.error("%s: %s; trying again", work.__name__, type(error).__name__)

    async def deliver(self) -> None:
        """Give nodes the templates they lack or soon lose."""
        runtime = self._runtime
        while runtime.bus is not None and runtime.bus.connected:
            now = runtime.clock.now()
            async with runtime.db.read() as session:
                if not await gallery.anything_due(session, now, runtime.settings):
                    return
            async with runtime.db.write() as session:
                ready = await gallery.deliver(session, runtime.keys, runtime.vault, now, runtime.settings)
            for delivery in ready:
                runtime.bus.send(delivery.topic, delivery.payload)

    async def expire(self) -> None:
        """Close what ran out, and follow imports another process made."""
        runtime, now = self._runtime, self._runtime.clock.now()
        async with runtime.db.read() as session:
            cards = await alerts.anything_expired(session, now)
            statement = select(Label.id).where(Label.wanted_variant == "personal", Label.wanted_expires_at < now)
            lapsed = (await session.scalar(statement.limit(1))) is not None
            imports = {row.id: row.imported_at for row in (await session.scalars(select(Store))).all()}
        fresh = [store for store, at in imports.items() if self._imports.get(store) != at]
        if not (cards or lapsed or fresh):
            return
        async with runtime.change() as effects:
            await alerts.expire(effects)
            await labels.close_expired(effects)
            for store in fresh:
                await labels.sync_public(effects, store)
        self._imports = imports

    async def feeds(self) -> None:
        """Fetch the catalogue feeds that are due; begin and end timed sales."""
        await feeds.fetch_due(self._runtime)

    async def learn(self) -> None:
        """What groups of people like, anew: withdrawn and erased opinions count no more."""
        runtime = self._runtime
        async with runtime.db.read() as session:
            stores = (await session.scalars(select(Store.id))).all()
        for store in stores:
            await learning.relearn(runtime.db, runtime.vault, store, runtime.clock.now())
            await predictions.relearn(runtime.db, store, runtime.clock.now())

    async def tell(self) -> None:
        """Visits that ended a few seconds ago, to the site."""
        runtime = self._runtime
        async with runtime.db.read() as session:
            due = await site.visits_due(session, runtime.clock.now())
        for store, visit in due:
            async with runtime.change() as effects:
                await site.tell_visit(effects, store, visit)

    async def segments(self) -> None:
        """Who moved between segments, to the site. A few at a time: after an import thousands are due at once."""
        runtime = self._runtime
        async with runtime.db.read() as session:
            due = await segments.due(session, runtime.clock.now(), limit=SEGMENTS_AT_ONCE)
        if due:
            async with runtime.change() as effects:
                await site.tell_moves(effects, await segments.recompute(effects, due))

    async def retain(self) -> None:
        """Delete what is past its time."""
        async with self._runtime.db.write() as session:
            await idle.note_seen(session)
            await forget_old(session, self._runtime.clock.now(), self._runtime.settings)
        async with self._runtime.change() as effects:
            await idle.forget_idle(effects)

    async def count(self) -> None:
        """Hours of the floor that are over become figures."""
        runtime, now = self._runtime, self._runtime.clock.now()
        async with runtime.db.read() as session:
            stores = (await session.scalars(select(Store))).all()
        for store in stores:
            async with runtime.db.write() as session:
                await roll_up(session, store, now, (await rules_of(session, store.id, runtime.settings)).k)
