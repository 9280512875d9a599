"""Delivering: each subscription at its own pace, the changes of one customer in their order, each until it is taken."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

import httpx
from sqlalchemy import and_, exists, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from central.privacy.service import purposes_of
from central.runtime import Runtime
from central.webhooks import service, signing
from central.webhooks.addresses import Network, networks
from central.webhooks.schedule import pause
from central.webhooks.sending import TIMEOUT_S, Outcome, client, send
from central.webhooks.tables import Delivery, SiteChange, Subscription

log = logging.getLogger(__name__)
AT_ONCE: Final = 4
"""Requests to one receiver at the same time; about different customers."""
BATCH: Final = 100
ERASED: Final = "customer.erased"


class Dispatcher:
    """Made once per application. `tick` starts what is due and never waits for a receiver."""

    def __init__(self, runtime: Runtime, timeout_s: float = TIMEOUT_S, seed: int | None = None) -> None:
        self._runtime = runtime
        self._timeout = timeout_s
        self._allowed: Sequence[Network] = networks(runtime.settings.webhook_networks)
        self._random = random.Random(seed)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._lost: set[str] = set()
        self._http: httpx.AsyncClient | None = None

    async def tick(self) -> None:
        """One task for each subscription with something due."""
        async with self._runtime.db.read() as session:
            due = await session.scalars(
                select(Delivery.subscription)
                .where(Delivery.state == "open", Delivery.next_try_at <= self._runtime.clock.now())
                .distinct()
            )
            found = set(due.all())
        for subscription in sorted(found - self._busy.keys()):
            task = asyncio.create_task(self._serve(subscription), name=f"webhook {subscription}")
            self._busy[subscription] = task
            task.add_done_callback(partial(self._finished, subscription))

    def _finished(self, subscription: str, task: asyncio.Task[None]) -> None:
        self._busy.pop(subscription, None)

    async def idle(self) -> None:
        """Until nobody is being told anything."""
        while self._busy:
            await asyncio.gather(*self._busy.values())

    async def aclose(self) -> None:
        """Give up what is on its way: it will be tried again."""
        for task in list(self._busy.values()):
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    async def _serve(self, number: str) -> None:
        try:
            async with self._runtime.db.read() as session:
                row = await session.get(Subscription, number)
            while row is not None and row.active:
                async with self._runtime.db.read() as session:
                    ready = await first_of_each(session, number, self._runtime.clock.now())
                if not ready or not await self._round(row, ready):
                    return
        except (SQLAlchemyError, OSError) as error:
            log.error("webhook deliveries: %s; trying again", type(error).__name__)

    async def _round(self, subscription: Subscription, ready: Sequence[tuple[int, str]]) -> bool:
        """Try the first of each customer. Whether to go on with the next ones."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(delivery: int) -> bool:
            async with turn:
                return await self._try(subscription, delivery)

        progress = False
        # Erasures last: whatever was being said about the person has been said by then.
        for part in ([n for n, kind in ready if kind != ERASED], [n for n, kind in ready if kind == ERASED]):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(number)) for number in part]
            progress |= any(task.result() for task in tasks)
        return progress

    async def _try(self, subscription: Subscription, number: int) -> bool:
        """One try of one delivery; whether it is out of the way."""
        runtime = self._runtime
        try:
            async with runtime.db.read() as session:
                delivery = await session.get(Delivery, number)
                change = await session.get(SiteChange, delivery.change) if delivery else None
                if delivery is None or change is None or delivery.state != "open":
                    return True
                purposes = await purposes_of(session, change.owner)
            told = service.opened(runtime.vault, change, purposes)
            if told is None:
                await self._note(delivery, Outcome(ok=False, error="no longer allowed"), "dropped")
                return True
            secret = signing.open_secret(runtime.keys, subscription.id, subscription.secret)
            if secret is None:
                outcome = Outcome(ok=False, error="the secret cannot be read: make a new subscription")
            else:
                plain = told.model_dump(mode="json", exclude={"id"})
                body = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
                at_s = int(runtime.clock.now().timestamp())
                signed = signing.headers(secret, change.message, at_s, body)
                self._http = self._http or client()
                outcome = await send(self._http, subscription.url, signed, body, self._allowed, self._timeout)
            return await self._conclude(subscription, delivery, outcome)
        except (SQLAlchemyError, OSError) as error:
            log.error("webhook delivery %s: %s; trying again", number, type(error).__name__)
            return False

    async def _conclude(self, subscription: Subscription, delivery: Delivery, outcome: Outcome) -> bool:
        self._say(subscription, outcome)
        if outcome.gone:
            await self._switch_off(subscription.id)
        await self._note(delivery, outcome, "done" if outcome.ok else None)
        return outcome.ok

    def _say(self, subscription: Subscription, outcome: Outcome) -> None:
        """Once when a receiver is lost, once when it is back."""
        if outcome.ok and subscription.id in self._lost:
            self._lost.discard(subscription.id)
            log.warning("webhook %s of store %s: taken again", subscription.id, subscription.store)
        elif not outcome.ok and subscription.id not in self._lost:
            self._lost.add(subscription.id)
            log.warning("webhook %s of store %s: %s", subscription.id, subscription.store, outcome.error)

    async def _note(self, delivery: Delivery, outcome: Outcome, state: str | None) -> None:
        now = self._runtime.clock.now()
        attempts = delivery.attempts + 1
        wait = None if state else pause(attempts, self._random.random(), outcome.retry_after_s)
        values = {
            "state": state or ("open" if wait is not None else "dead"),
            "attempts": attempts,
            "tried_at": now,
            "next_try_at": now + wait if wait is not None else now,
            "status": outcome.status,
            "error": outcome.error,
        }
        async with self._runtime.db.write() as session:
            await session.execute(update(Delivery).where(Delivery.id == delivery.id).values(values))

    async def _switch_off(self, subscription: str) -> None:
        values = {"active": False, "note": "the receiver answered 410: it wants nothing more"}
        async with self._runtime.db.write() as session:
            await session.execute(update(Subscription).where(Subscription.id == subscription).values(values))


async def first_of_each(
    session: AsyncSession, subscription: str, now: datetime, limit: int = BATCH
) -> list[tuple[int, str]]:
    """The earliest open delivery of each customer, when it is due: one that waits holds back the later ones."""
    change, other, earlier = SiteChange, aliased(SiteChange), aliased(Delivery)
    blocked = exists().where(
        and_(
            earlier.subscription == subscription,
            earlier.state == "open",
            earlier.change == other.id,
            other.owner == change.owner,
            other.id < change.id,
        )
    )
    statement = (
        select(Delivery.id, change.kind)
        .join(change, change.id == Delivery.change)
        .where(
            Delivery.subscription == subscription,
            Delivery.state == "open",
            Delivery.next_try_at <= now,
            ~blocked,
        )
        .order_by(change.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in (await session.execute(statement)).all()]
