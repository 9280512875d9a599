"""The simulator's own access to central over HTTP: a consultant's log-in, a site's and a till's token, phones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from simulator.phone import Phone

_TIMEOUT = httpx.Timeout(5.0)
Json = dict[str, object]


class OfficeError(Exception):
    """Central did not answer as its interface promises; the text says what was asked and what came."""


@dataclass(frozen=True, slots=True)
class ServerSent:
    """One server-sent event."""

    event: str
    id: str
    data: str


class Office:
    """One HTTP client. Staff need `log_in` first; machines give a `token`."""

    def __init__(self, url: str, token: str | None = None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT)
        self._csrf: dict[str, str] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def log_in(self, name: str, password: str) -> None:
        """Staff log-in with the form of the page."""
        answer = await self._client.post("/login", data={"name": name, "password": password})
        if answer.status_code != 303 or "error" in answer.headers.get("location", ""):
            raise OfficeError(f"log-in of {name} was refused: {answer.status_code} {answer.text[:200]}")
        self.protect(str((await self.get("/api/v1/session"))["csrf"]))

    def protect(self, csrf: str) -> None:
        """Send this value with every change, as a page does."""
        self._csrf = {"X-CSRF-Token": csrf}

    async def get(self, path: str, **query: object) -> Json:
        """A JSON object."""
        body = await self._fetch(path, query)
        if not isinstance(body, dict):
            raise OfficeError(f"GET {path}: an object was expected, not {type(body).__name__}")
        return body

    async def list(self, path: str, **query: object) -> list[Json]:
        """A JSON list of objects."""
        body = await self._fetch(path, query)
        if not isinstance(body, list):
            raise OfficeError(f"GET {path}: a list was expected, not {type(body).__name__}")
        return body

    async def post(self, path: str, body: Json | None = None) -> Json:
        """Send JSON, get JSON (an empty answer is an empty object)."""
        answer = await self._client.post(path, json=body, headers=self._csrf)
        if answer.is_error:
            raise OfficeError(f"POST {path}: {answer.status_code} {answer.text[:200]}")
        return dict(answer.json()) if answer.content else {}

    async def alive(self) -> bool:
        """Whether central answers."""
        try:
            return (await self._client.get("/health")).status_code in {200, 503}
        except httpx.TransportError:
            return False

    async def stream(self, path: str, last_id: str | None) -> AsyncIterator[ServerSent]:
        """Server-sent events until the connection ends."""
        headers = {"Accept": "text/event-stream"} | ({} if last_id is None else {"Last-Event-ID": last_id})
        timeout = httpx.Timeout(5.0, read=40.0)
        async with self._client.stream("GET", path, headers=headers, timeout=timeout) as answer:
            if answer.status_code != 200:
                raise OfficeError(f"GET {path}: {answer.status_code}")
            async for found in parse_events(answer.aiter_lines()):
                yield found

    async def _fetch(self, path: str, query: dict[str, object]) -> object:
        params = {key: str(value) for key, value in query.items()}
        answer = await self._client.get(path, params=params)
        if answer.is_error:
            raise OfficeError(f"GET {path}: {answer.status_code} {answer.text[:200]}")
        body: object = answer.json()
        return body


async def parse_events(lines: AsyncIterator[str]) -> AsyncIterator[ServerSent]:
    """Lines to events (HTML standard, section 9.2.6); comments and events without data are skipped."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line.startswith(":"):
            continue
        if not line:
            if "data" in fields:
                yield ServerSent(fields.get("event", "message"), fields.get("id", ""), fields["data"])
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        fields[name] = f"{fields['data']}\n{value}" if name == "data" and "data" in fields else value


async def register_phone(url: str, staff: Office, customer: str) -> Phone:
    """What a customer does once: opens the link with the code, lets the phone make a key, gets it certified."""
    code = (await staff.post(f"/api/v1/customers/{customer}/login-code"))["code"]
    page = Office(url)
    try:
        await page.post("/api/v1/me/login", {"code": code})
        me = await page.get("/api/v1/me")
        page.protect(str(me["csrf"]))
        phone = Phone()
        answer = await page.post("/api/v1/me/phone-key", {"public_key": phone.public_key})
        phone.accept(str(answer["certificate"]))
        return phone
    finally:
        await page.close()
