"""One try: a POST that ends within seconds, follows nobody elsewhere, and reads as little as it can."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from central.webhooks.addresses import ForbiddenAddressError, Network, target

TIMEOUT_S: Final = 15.0
"""For the whole try; Standard Webhooks advises 15 to 30 s."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `gone`: the receiver wants nothing any more (410)."""

    ok: bool
    status: int | None = None
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def gone(self) -> bool:
        return self.status == httpx.codes.GONE


def client() -> httpx.AsyncClient:
    """One for all deliveries. No proxies or passwords of the environment, no redirects, no cookies kept for others."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=0)
    return httpx.AsyncClient(trust_env=False, follow_redirects=False, limits=limits)


async def send(
    http: httpx.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    allowed: Sequence[Network],
    timeout_s: float = TIMEOUT_S,
) -> Outcome:
    """Never raises for anything the receiver or the network does."""
    try:
        async with asyncio.timeout(timeout_s):
            where = await target(url, allowed)
            request = http.build_request(
                "POST",
                where.url,
                content=body,
                headers={**headers, "Host": where.host, "Content-Type": "application/json", "User-Agent": "vitrina"},
                extensions={"sni_hostname": where.name},
            )
            request.headers.pop("Cookie", None)
            response = await http.send(request, stream=True)
            try:
                return _outcome(response)
            finally:
                await response.aclose()
    except TimeoutError:
        return Outcome(ok=False, error=f"no answer within {timeout_s:.0f} s")
    except ForbiddenAddressError as error:
        return Outcome(ok=False, error=str(error)[:200])
    except httpx.InvalidURL:
        return Outcome(ok=False, error="this is not a web address")
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        return Outcome(ok=False, error=f"{type(error).__name__}: the receiver could not be reached")


def _outcome(response: httpx.Response) -> Outcome:
    status = response.status_code
    if response.is_success:
        return Outcome(ok=True, status=status)
    if response.is_redirect:
        return Outcome(ok=False, status=status, error="redirects are not followed; enter the new address")
    text = response.headers.get("retry-after", "")
    wait = float(text) if text.isdecimal() and len(text) < 9 else None
    return Outcome(ok=False, status=status, error=f"answered {status}", retry_after_s=wait)
