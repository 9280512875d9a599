"""The HTTP half of an OpenEPaperLink access point."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal

import httpx

from hardware.backoff import BackoffPolicy, delay_s
from hardware.errors import PermanentError, TransientError
from hardware.labels.oepl_wire import TagRecord, TagType, parse_page

TagCommand = Literal[
    "del",
    "purge",
    "clear",
    "refresh",
    "reboot",
    "scan",
    "reset",
    "deepsleep",
    "ledflash",
    "ledflash_long",
    "ledflash_stop",
]

_STATIC_IMAGE = "24"
_BUSY = 409
_BUSY_TRIES = 5
_BUSY_WAIT = BackoffPolicy(first_s=0.25, limit_s=4.0, jitter=0.0)
_MOST_PAGES = 1000


class AccessPoint:
    """Requests to one access point, one at a time: it is a microcontroller. Raises TransientError, PermanentError."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        # No keep-alive: the firmware closes idle connections without a word, and a POST must not be lost to that.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout_s, limits=limits, trust_env=False)
        self._one_at_a_time = asyncio.Lock()

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def database(self) -> tuple[TagRecord, ...]:
        """Every label, page by page."""
        records: list[TagRecord] = []
        position = 0
        for _ in range(_MOST_PAGES):
            response = await self._send("GET", "/get_db", params={"pos": str(position)})
            page = parse_page(response.content)
            if page is None:
                raise TransientError(f"The access point {self._url} sent a damaged list of labels")
            records.extend(page.tags)
            if page.continu is None or page.continu <= position:
                break
            position = page.continu
        return tuple(records)

    async def tag(self, mac: str) -> TagRecord | None:
        """One label, None when it is unknown."""
        response = await self._send("GET", "/get_db", params={"mac": mac})
        page = parse_page(response.content)
        return page.tags[0] if page is not None and page.tags else None

    async def tag_type(self, hardware_type: int) -> TagType:
        """What labels of this type show. PermanentError when the access point does not know the type."""
        path = f"/tagtypes/{hardware_type:02X}.json"
        response = await self._send("GET", path)
        try:
            return TagType.model_validate_json(response.content)
        except ValueError:
            raise TransientError(f"The access point {self._url} sent a damaged {path}") from None

    async def upload(self, mac: str, jpeg: bytes) -> None:
        """Hand over an image that is already in the label's colours and size (no dithering there)."""
        # httpx writes text fields first and without a Content-Type; the firmware takes a part that has one for a file.
        fields = {"mac": mac, "dither": "0", "contentmode": _STATIC_IMAGE}
        await self._send("POST", "/imgupload", data=fields, jpeg=jpeg)

    async def command(self, mac: str, command: TagCommand) -> None:
        """A command that the label gets at its next check-in (del and purge act on the access point at once)."""
        await self._send("POST", "/tag_cmd", data={"mac": mac, "cmd": command})

    async def led(self, mac: str, pattern: str) -> None:
        """Flash by pattern (see oepl_wire.led_pattern); an empty pattern stops."""
        params = {"mac": mac, "pattern": pattern} if pattern else {"mac": mac}
        await self._send("GET", "/led_flash", params=params)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        jpeg: bytes | None = None,
    ) -> httpx.Response:
        files = {"file": ("image.jpg", jpeg, "image/jpeg")} if jpeg is not None else None
        for attempt in range(1, _BUSY_TRIES + 1):
            async with self._one_at_a_time:
                response = await self._once(method, path, params, data, files)
            if response.status_code != _BUSY:
                return self._checked(response, path)
            await asyncio.sleep(delay_s(_BUSY_WAIT, attempt, 0.0))
        raise TransientError(f"The access point {self._url} is busy", "It is tried again later")

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: Mapping[str, str] | None,
        files: Mapping[str, tuple[str, bytes, str]] | None,
    ) -> httpx.Response:
        try:
            return await self._client.request(method, path, params=params, data=data, files=files)
        except httpx.TimeoutException as error:
            raise TransientError(f"The access point {self._url} does not answer in time") from error
        except httpx.TransportError as error:
            raise TransientError(
                f"The access point {self._url} cannot be reached", "Check its power, its Wi-Fi and `url`"
            ) from error

    def _checked(self, response: httpx.Response, path: str) -> httpx.Response:
        status, text = response.status_code, response.text[:100].strip()
        if status >= 500:
            raise TransientError(f"The access point {self._url} failed on {path} ({status} {text})")
        if status == 404:
            raise PermanentError(f"The access point {self._url} has no {path}", "Update its firmware, or check `url`")
        if status >= 400:
            raise PermanentError(f"The access point {self._url} refuses {path}: {text or status}")
        return response
