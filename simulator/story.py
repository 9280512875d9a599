"""One customer of the day, known everywhere: what the site, her phone, a consultant and the till do around her visit.

Everything goes through central's own interfaces, as a retailer's systems would. The visit itself (code, walk, shelf,
label) is the script's.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from contract.clock import Clock
from simulator.cast import Person
from simulator.office import Json, Office, OfficeError

HEROINE = "clara"
TRIED = (("pl-slate-x", False, {"weight": -2, "bass": -1}), ("pl-flint-m", True, {"bass": -1}))
"""Two models she tries, whether she likes them, and what she says of them."""
WANTED = "lighter than Flint M, more bass than Flint M"
FOUND = "pl-quarry-s"
"""What hangs on the label of the players' shelf."""
FILTER, SEARCH = "balanced", "small player that sounds warm"
_POLL_S = 0.25


@dataclass(slots=True)
class Step:
    """One thing that had to happen."""

    name: str
    ok: bool = False
    detail: str = ""


@dataclass
class StoryTeller:
    """`open` before the day, `play` during the heroine's first visit, `end` when everybody has left."""

    url: str
    store: str
    person: Person
    clock: Clock
    consultant: tuple[str, str]
    """Name and password."""
    site_token: str
    till_token: str
    steps: list[Step] = field(default_factory=list)
    visit: str | None = None
    price: int | None = None
    begun: bool = False
    _number: int = 0
    _receipt: str = ""

    async def open(self) -> None:
        """Sign everybody in; she looks around on the site the evening before."""
        self._site, self._till = Office(self.url, self.site_token), Office(self.url, self.till_token)
        self._staff, self._me = Office(self.url), Office(self.url)
        await self._staff.log_in(*self.consultant)
        code = (await self._staff.post(f"/api/v1/customers/{self.person.id}/login-code"))["code"]
        await self._me.post("/api/v1/me/login", {"code": code})
        self._me.protect(str((await self._me.get("/api/v1/me"))["csrf"]))
        await self._do("site browsing with filters", self._browse)

    async def play(self, deadline_s: float) -> None:
        """From her arrival to the till. Gives up a step when `deadline_s` have passed."""
        self.begun = True
        for name, work in (
            ("QR at the door, card for the consultant", self._arrives),
            ("the card shows the filters", self._card_shows),
            ("two tried, opinions recorded", self._opinions),
            ("lighter, more bass: the right third", self._search),
            ("one personal price on label and phone", self._priced),
            ("the till charges it once", self._pays),
        ):
            await self._do(name, work, deadline_s)

    async def end(self, data: Path) -> None:
        """After she left: the site hears of it, an order counts, she is erased and nothing readable remains."""
        await self._do("the site receives the visit", self._site_hears, 20.0)
        await self._do("an order on the site counts for the consultant", self._order, 10.0)
        await self._do("she is erased, nothing readable remains", lambda: self._erased(data), 30.0)

    async def close(self) -> None:
        """Hang up."""
        for office in (self._site, self._till, self._staff, self._me):
            await office.close()

    def report(self) -> Json:
        """For the simulator's report."""
        steps = [{"step": step.name, "ok": step.ok, "detail": step.detail} for step in self.steps]
        return {"person": self.person.id, "complete": all(step.ok for step in self.steps), "steps": steps}

    async def _do(self, name: str, work: Callable[[], Awaitable[str | None]], deadline_s: float = 10.0) -> None:
        """Work answers None until it is true; what goes wrong ends the step, not the day."""
        step = Step(name)
        self.steps.append(step)
        until = self.clock.monotonic() + deadline_s
        while not step.ok and self.clock.monotonic() < until:
            try:
                detail = await work()
            except (OfficeError, httpx.TransportError) as error:
                detail = None
                step.detail = str(error)[:300]
            if detail is None:
                await asyncio.sleep(_POLL_S)
            else:
                step.ok, step.detail = True, detail

    # The steps

    async def _tell(self, event: str, **properties: object) -> None:
        self._number += 1
        now = self.clock.now().isoformat()
        message = {"type": "track", "event": event, "messageId": f"story-{self._number}", "userId": self.person.id}
        body: Json = {"sentAt": now, "batch": [{**message, "timestamp": now, "properties": properties}]}
        answer = await self._site.post("/v1/events", body)
        if answer["accepted"] != 1 and answer["duplicate"] != 1:
            raise OfficeError(f"POST /v1/events: {answer}")

    async def _browse(self) -> str:
        await self._tell("Products Searched", query=SEARCH)
        await self._tell("Product List Filtered", category="Players", filters=[{"type": FILTER, "value": "yes"}])
        for sku, _, _ in TRIED:
            await self._tell("Product Viewed", sku=sku, category="Players")
        return f"searched {SEARCH!r}, filtered by {FILTER}"

    async def _arrives(self) -> str | None:
        cards = await self._staff.list("/api/v1/alerts", store=self.store, state="active")
        for card in cards:
            customer = card["customer"]
            if isinstance(customer, dict) and customer["id"] == self.person.id:
                self.visit = str(card["visit"])
                await self._staff.post(f"/api/v1/alerts/{card['id']}/claim")
                return f"{customer['name']} by {card['method']}"
        return None

    async def _card_shows(self) -> str | None:
        interests = (await self._card())["interests"]
        assert isinstance(interests, dict)
        shown = [found for found in interests["filters"] if found["parameter"] == FILTER]
        return f"{FILTER}: {shown[0]['values']}" if shown else None

    async def _card(self) -> Json:
        return await self._staff.get(f"/api/v1/cards/{self.visit}", store=self.store)

    async def _opinions(self) -> str:
        for sku, liked, ratings in TRIED:
            body: Json = {"sku": sku, "liked": liked, "parameters": ratings}
            await self._staff.post(f"/api/v1/cards/{self.visit}/opinions?store={self.store}", body)
        return ", ".join(sku for sku, _, _ in TRIED)

    async def _search(self) -> str | None:
        found = await self._staff.get(f"/api/v1/cards/{self.visit}/search", store=self.store, q=WANTED)
        suggestions = found["suggestions"]
        assert isinstance(suggestions, list)
        if not suggestions or suggestions[0]["sku"] != FOUND:
            return None
        await self._staff.post(f"/api/v1/cards/{self.visit}/suggested?store={self.store}", {"sku": FOUND})
        return f"{FOUND}: {'; '.join(suggestions[0]['reasons'])}"

    async def _priced(self) -> str | None:
        """The label first: her phone shows what hangs there."""
        labels = await self._staff.list("/api/v1/labels", store=self.store)
        glass = [label for label in labels if label["sku"] == FOUND and label["variant"] == "personal"]
        if not glass:
            return None
        content = glass[0]["content"]
        mine = await self._me.post("/api/v1/me/price", {"sku": FOUND, "scanned": True})
        if not isinstance(content, dict) or not mine["personal"] or mine["price"] != content["price"]:
            return None
        self.price = int(str(mine["price"]))
        return f"{self.price} instead of {mine['public']}"

    async def _pays(self) -> str | None:
        line: Json = {"store": self.store, "sku": FOUND, "receipt": "story-1", "customer": self.person.id}
        first = await self._till.post("/api/v1/till/redeem", line)
        second = await self._till.post("/api/v1/till/verify", {k: v for k, v in line.items() if k != "receipt"})
        if first["charged"] != self.price or second["charged"] == self.price:
            raise OfficeError(f"till: {first['charged']}, then {second['charged']}; shown was {self.price}")
        return f"charged {first['charged']}, the next one {second['charged']}"

    async def _site_hears(self) -> str | None:
        changes = (await self._site.get("/api/v1/site/changes"))["changes"]
        assert isinstance(changes, list)
        told = [c for c in changes if c["type"] == "visit.finished" and c["customer"] == self.person.id]
        return f"tried {[tried['sku'] for tried in told[0]['data']['tried']]}" if told else None

    async def _order(self) -> str | None:
        products = [{"sku": TRIED[1][0], "quantity": 1, "price": 300.0}]
        self._number = 900
        await self._tell("Order Completed", order_id="story-web-1", currency="EUR", products=products)
        period = {"store": self.store, "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
        mine = await self._staff.get(f"/api/v1/contribution/consultants/{self.consultant[0]}", **period)
        lines = mine["lines"]
        assert isinstance(lines, list)
        site = [line for line in lines if line["channel"] == "site"]
        return f"{site[0]['share']:.0%} of {site[0]['price']}" if site else None

    async def _erased(self, data: Path) -> str | None:
        if not self._receipt:
            self._receipt = str((await self._me.post("/api/v1/me/erase", {"confirm": "ERASE"}))["number"])
        receipt = await self._staff.get(f"/api/v1/erasures/{self._receipt}")
        if receipt["state"] != "done":
            return None
        left = readable(data, [self.person.name, SEARCH])
        if left:
            raise OfficeError(f"still readable: {left}")
        return f"receipt {self._receipt}"


def readable(folder: Path, secrets: list[str]) -> list[str]:
    """Files below a folder in which one of the texts stands, plainly or in base64."""
    needles = [form for text in secrets for form in (text.encode(), base64.b64encode(text.encode()).rstrip(b"="))]
    found = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if any(needle in content for needle in needles):
            found.append(path.name)
    return found
