"""A consultant's open page: holds the event stream of the arrival cards and notes when each card came."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime

import httpx

from contract.clock import Clock
from simulator.observations import ArrivalSeen
from simulator.office import Office, OfficeError
from simulator.timebase import TimeBase

_AGAIN_AFTER_S = 0.3


@dataclass(frozen=True, slots=True)
class Credentials:
    """A staff account of the demo; the password is made anew at every run."""

    name: str
    role: str
    password: str


class ArrivalStream:
    """`run` until cancelled; `seen` grows. Comes back after central was gone, as the page does."""

    def __init__(self, url: str, store: str, who: Credentials, base: TimeBase, clock: Clock) -> None:
        self._url = url
        self._store = store
        self._who = who
        self._base = base
        self._clock = clock
        self._last_id: str | None = None
        self._ids: set[str] = set()
        self._cards: dict[str, int] = {}
        self.open = asyncio.Event()
        self.seen: list[ArrivalSeen] = []
        self.person_of_visit: dict[str, str] = {}
        self.doubled = 0
        """Cards beyond the first for one visit."""

    async def run(self) -> None:
        """Log in and read the stream for ever."""
        office = Office(self._url)
        try:
            logged_in = False
            while True:
                try:
                    if not logged_in:
                        await office.log_in(self._who.name, self._who.password)
                        logged_in = True
                    await self._read(office)
                except OfficeError:
                    logged_in = False
                except httpx.TransportError:
                    pass
                self.open.clear()
                await asyncio.sleep(_AGAIN_AFTER_S)
        finally:
            await office.close()

    async def _read(self, office: Office) -> None:
        path = f"/api/v1/alerts/stream?store={self._store}"
        self.open.set()
        async for found in office.stream(path, self._last_id):
            self._last_id = found.id or self._last_id
            if found.event == "arrival":
                self._note(found.id, json.loads(found.data))

    def _note(self, line: str, card: dict[str, object]) -> None:
        """One card. Its latency is by the event's own time of the first usable face or scan."""
        repeated = line in self._ids
        self._ids.add(line)
        visit = str(card["visit"])
        person = _person(card)
        usable = datetime.fromisoformat(str(card["first_usable_at"]))
        latency_ms = (self._clock.now() - usable).total_seconds() * 1000
        at = self._base.now(self._clock)
        self.seen.append(ArrivalSeen(person, visit, str(card["method"]), at, round(latency_ms, 1), repeated))
        if repeated:
            return
        self.person_of_visit[visit] = person
        self._cards[visit] = self._cards.get(visit, 0) + 1
        self.doubled += self._cards[visit] > 1


def _person(card: dict[str, object]) -> str:
    customer = card.get("customer")
    identity = customer.get("id") if isinstance(customer, dict) else None
    return str(identity) if identity else f"guest of visit {card['visit']}"
