"""Plays the day on a running shop: codes are shown, bills paid, processes killed - and everything is watched."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime

import httpx

from simulator.arrivals import ArrivalStream
from simulator.glass import GlassWatcher, Spell
from simulator.listener import BusListener
from simulator.observations import ChargeSeen, EventCounts, LabelSeen, Observations, StaySeen, Truth
from simulator.office import Office, OfficeError
from simulator.options import Kill
from simulator.outbox import read_outbox, session_counts
from simulator.script import Script, truth
from simulator.shop import Shop
from simulator.shoppers import Visit
from simulator.story import HEROINE, StoryTeller
from simulator.timebase import TimeBase

LEAD_IN_S = 1.5
"""From everything being up to the first second of the day."""
_SETTLE_S = 30.0
_DRAIN_S = 25.0
_GLASS_S = 8.0
"""How long a label may take to change after it was told, over and above the quote's end."""


class Play:
    """One day on one shop. `run` for a finite script, `run_forever` for the demo."""

    def __init__(self, shop: Shop, script: Script, story: StoryTeller | None = None) -> None:
        self.shop = shop
        self.script = script
        self.base = TimeBase.starting_in(shop.clock, LEAD_IN_S)
        store = shop.cast.store.id
        self.arrivals = ArrivalStream(shop.url, store, shop.staff["consultant"], self.base, shop.clock)
        self.bus = BusListener("127.0.0.1", shop.broker_port, store)
        labels = {label.id: label.address for label in shop.cast.labels}
        self.glass = GlassWatcher(shop.labels.tags, labels, self.base, shop.clock)
        self.receipts: dict[str, tuple[Visit, dict[str, object]]] = {}
        self.failed: list[str] = []
        """What the actors could not do (the till refused, the scanner's line was full)."""
        self._office = Office(shop.url, shop.tokens["report"])
        self._till = Office(shop.url, shop.tokens["till"])
        self.story = story

    @property
    def now(self) -> float:
        """Second of the script."""
        return self.base.now(self.shop.clock)

    async def run(self, seconds: float, kills: tuple[Kill, ...] = ()) -> tuple[Truth, Observations]:
        """Play `seconds`, let everybody go home, and say what was true and what was seen."""
        async with self._watching():
            actors = [asyncio.create_task(self._act(visit)) for visit in self.script.visits(0.0, seconds)]
            actors += [asyncio.create_task(self._kill(kill)) for kill in kills]
            try:
                await self._sleep_until(seconds)
                await self._settle(seconds)
                await asyncio.gather(*actors)
                events = await self._drained()
                seen = await self._observations(events)
                if self.story is not None:
                    await self.story.end(self.shop.folder / "central")
            finally:
                for actor in actors:
                    actor.cancel()
        return truth(self.script, seconds, self.shop.truths.usable), seen

    async def run_forever(self) -> None:
        """Play until cancelled."""
        async with self._watching(), asyncio.TaskGroup() as group:
            for visit in self.script.endless():
                await self._sleep_until(visit.approach.start - 1.0)
                group.create_task(self._act(visit))

    @contextlib.asynccontextmanager
    async def _watching(self) -> AsyncGenerator[None]:
        self.bus.start()
        watchers = [asyncio.create_task(self.arrivals.run()), asyncio.create_task(self.glass.run())]
        try:
            await asyncio.wait_for(self.arrivals.open.wait(), 10.0)
            self.shop.begin(self.base.monotonic)
            yield
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            self.bus.stop()
            await self._office.close()
            await self._till.close()
            if self.story is not None:
                await self.story.close()

    # Actors

    async def _act(self, visit: Visit) -> None:
        """What a person does besides walking: shows the code, pays."""
        if visit.scan_at is not None:
            await self._sleep_until(visit.scan_at)
            self.shop.scanner.present(self.shop.phones[visit.person.id].code(self.shop.clock.now()))
        if self.story is not None and visit.person.id == HEROINE and not self.story.begun:
            await self.story.play(visit.end - self.now)
        if visit.till_at is not None:
            await self._sleep_until(visit.till_at)
            await self._pay(visit)

    async def _pay(self, visit: Visit) -> None:
        label = self.shop.cast.label_of(visit.plan.zone)
        if label is None:
            return
        receipt = f"r-{visit.number}"
        line: dict[str, object] = {"store": self.shop.cast.store.id, "sku": label.sku, "receipt": receipt}
        line["subject"] = visit.person.subject
        for _ in range(5):
            try:
                self.receipts[receipt] = visit, await self._till.post("/api/v1/till/redeem", line)
            except httpx.TransportError:
                await asyncio.sleep(1.0)  # central is away for a moment: the cashier tries again
            except OfficeError as error:
                self.failed.append(str(error))
                return
            else:
                return
        self.failed.append(f"the till could not reach central for receipt {receipt}")

    async def _kill(self, kill: Kill) -> None:
        await self._sleep_until(kill.at)
        self.shop.say(f"kill -9 {kill.process}")
        self.shop.supervisor.kill(kill.process)

    async def _sleep_until(self, second: float) -> None:
        await asyncio.sleep(max(0.0, second - self.now))

    # The end of a finite day

    async def _settle(self, seconds: float) -> None:
        """Until everybody is out and no label is personal, at most `_SETTLE_S`."""
        last = max((visit.end for visit in self.script.visits(0.0, seconds)), default=seconds)
        await self._sleep_until(min(last, seconds + _SETTLE_S) + 2.0)
        until = self.now + _GLASS_S
        while self.glass.personal_now and self.now < until:
            await asyncio.sleep(0.2)

    async def _drained(self) -> tuple[EventCounts, ...]:
        """Counts of every outbox session once central has all of what the outbox had committed by then."""
        emitted = read_outbox(self.shop.folder / "edge-state" / "outbox.db")
        until = self.now + _DRAIN_S
        while True:
            with contextlib.suppress(httpx.TransportError):  # central may just be coming back
                counts = await self._counts(emitted)
                if all(item.received >= item.emitted for item in counts) or self.now > until:
                    return counts
            await asyncio.sleep(0.3)

    async def _counts(self, emitted: dict[str, int]) -> tuple[EventCounts, ...]:
        body = await self._office.get("/api/v1/ingest", store=self.shop.cast.store.id)
        sessions = body["sessions"]
        assert isinstance(sessions, list)
        ours = {str(item["session"]): item for item in sessions}
        return tuple(session_counts(session, count, ours.get(session)) for session, count in emitted.items())

    # What was seen

    async def _observations(self, events: tuple[EventCounts, ...]) -> Observations:
        quotes = await self._office.list("/api/v1/prices/quotes", store=self.shop.cast.store.id)
        twice = Counter((str(quote["visit"]), str(quote["sku"])) for quote in quotes)
        doubled = sum(count - 1 for count in twice.values())
        children = self.shop.supervisor.children
        return Observations(
            arrivals=tuple(self.arrivals.seen),
            stays=tuple(self._stays()),
            labels=tuple(self._labels(quotes)),
            charges=tuple(self._charges(quotes)),
            quotes=len(quotes),
            events=events,
            doubled_effects=self.arrivals.doubled + doubled,
            frames=self.bus.frames,
            restarts=sum(child.starts - 1 for child in children.values()),
            ended={name: child.deaths for name, child in children.items() if child.deaths},
        )

    def _stays(self) -> Iterator[StaySeen]:
        for left in self.bus.stays:
            person = self.arrivals.person_of_visit.get(left.visit or "")
            # `at` is when the stay was found to be over; the person was seen inside for `dwell_s` until then.
            yield StaySeen(left.zone, self.base.of_wall(left.at), left.dwell_s, person)

    def _labels(self, quotes: list[dict[str, object]]) -> Iterator[LabelSeen]:
        zones = {label.id: label.zone for label in self.shop.cast.labels}
        for spell in self.glass.spells:
            quote = self._quote_of(spell, quotes)
            shown = next((s for s in self.bus.shown if quote is not None and s.quote == quote["id"]), None)
            deadline = None
            if quote is not None:
                expires = datetime.fromisoformat(str(quote["expires_at"]))
                deadline = self.base.of_wall(expires) + _GLASS_S
            yield LabelSeen(
                label=spell.label,
                zone=zones[spell.label],
                personal_at=spell.begin,
                reverted_at=spell.end,
                confirmed=shown is not None,
                confirm_ms=None if shown is None else round(shown.after_s * 1000, 1),
                person=None if quote is None else self.arrivals.person_of_visit.get(str(quote["visit"])),
                deadline=deadline,
            )

    def _quote_of(self, spell: Spell, quotes: list[dict[str, object]]) -> dict[str, object] | None:
        """The latest quote for that label issued before the glass changed."""
        before = [
            quote
            for quote in quotes
            if quote["label"] == spell.label and self.base.of_wall(_time(quote["issued_at"])) <= spell.begin
        ]
        return max(before, key=lambda quote: _time(quote["issued_at"]), default=None)

    def _charges(self, quotes: list[dict[str, object]]) -> Iterator[ChargeSeen]:
        on_glass = {shown.quote for shown in self.bus.shown}
        visits = {person: visit for visit, person in self.arrivals.person_of_visit.items()}
        for visit, answer in self.receipts.values():
            label = self.shop.cast.label_of(visit.plan.zone)
            prices = [
                int(str(quote["price"]))
                for quote in quotes
                if quote["id"] in on_glass
                and quote["visit"] == visits.get(visit.person.id)
                and label is not None
                and quote["sku"] == label.sku
            ]
            yield ChargeSeen(
                sku="" if label is None else label.sku,
                charged=int(str(answer["charged"])),
                public=int(str(answer["public"])),
                shown=min(prices, default=None),
                redeemed=bool(answer["redeemed"]),
            )


async def begin_story(shop: Shop, script: Script, seconds: float | None) -> StoryTeller | None:
    """The story of this shop's heroine, her evening on the site told; None when she does not come in this day."""
    if seconds is not None and not any(visit.person.id == HEROINE for visit in script.visits(0.0, seconds)):
        return None
    story = _story_of(shop)
    await story.open()
    return story


def _story_of(shop: Shop) -> StoryTeller:
    consultant = shop.staff["consultant"]
    return StoryTeller(
        url=shop.url,
        store=shop.cast.store.id,
        person=shop.cast.person(HEROINE),
        clock=shop.clock,
        consultant=(consultant.name, consultant.password),
        site_token=shop.tokens["site"],
        till_token=shop.tokens["till"],
    )


def _time(value: object) -> datetime:
    return datetime.fromisoformat(str(value))
