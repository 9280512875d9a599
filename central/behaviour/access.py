"""Which source is sending: a key of its own, as bearer token, or as the user name of HTTP Basic as Segment has it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from central.runtime import RuntimeDep
from central.staff.passwords import token_hash
from central.staff.tables import MachineToken

_SERVER_KEY = RateLimitItemPerMinute(600_000)
_PUBLIC_KEY = RateLimitItemPerMinute(60_000)
_SCOPE = 40


@dataclass(frozen=True, slots=True)
class Source:
    """`server`: its user ids are authenticated. A `public` write key can be read by anybody: it vouches for nobody."""

    store: str
    name: str
    server: bool
    key: str

    @property
    def id(self) -> str:
        """Unique over all stores."""
        return f"{self.store}/{self.name}"

    @property
    def scope(self) -> str:
        """Whose numbering its orders have, in 40 characters: two stores' sites may both have an order 1001."""
        return self.id if len(self.id) <= _SCOPE else hashlib.blake2s(self.id.encode(), digest_size=20).hexdigest()


class EventLimiter:
    """Events a minute and key, counted in this process."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def allow(self, source: Source, events: int) -> bool:
        """Count a batch in; whether it may go on."""
        return self._limiter.hit(_SERVER_KEY if source.server else _PUBLIC_KEY, "events", source.key, cost=events)


def key_of(request: Request) -> str | None:
    """The key in the Authorization header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return pair.partition(":")[0] or None


async def _source(request: Request, runtime: RuntimeDep) -> Source:
    key = key_of(request)
    if key is None:
        raise HTTPException(401, "give the source's key as bearer token, or as user name of HTTP Basic")
    async with runtime.db.read() as session:
        row = await session.get(MachineToken, token_hash(key))
    if row is None:
        raise HTTPException(401, "this key is not known")
    if row.role not in {"site", "public"}:
        raise HTTPException(403, f"a {row.role} token may not do this")
    return Source(row.store, row.source or row.role, row.role == "site", row.token_hash)


SourceDep = Annotated[Source, Depends(_source)]
