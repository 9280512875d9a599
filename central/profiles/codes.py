"""A one-time code to the e-mail address or phone the retailer knows of a customer, for whoever types it on `/me`.

It is sent to the address in the form in which it is known, never as typed: two spellings that compare as equal may be
two mailboxes. Whether anybody has the address is told to nobody: the answer comes before we look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from limits import RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.identity import service as identity
from central.identity.rules import RULES
from central.post.office import Office, Way
from central.post.senders import Letter
from central.profiles.service import login_code
from central.profiles.tables import Customer, LoginCode
from central.runtime import Runtime

MOST_WAITING: Final = 3
"""Codes of one customer that are valid at a time: whoever asks on and on for somebody else fills no mailbox."""
MOST_CUSTOMERS: Final = 3
_PER_PLACE: Final = (RateLimitItemPerMinute(3, 15), RateLimitItemPerDay(10))
_PER_ADDRESS: Final = RateLimitItemPerHour(20)
_ALL_TEXTS: Final = RateLimitItemPerHour(300)
"""Text messages cost money: numbers made up by a robot shall not."""
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "title": "Your code for {shop}",
            "text": "{code} is your code for {shop}. It works once, for 15 minutes.",
            "link": "Or open this on your phone: {link}",
            "other": "You did not ask for it? Then nobody knows this code but you, and you need do nothing.",
        },
        "ru": {
            "title": "Ваш код: {shop}",
            "text": "{code} – ваш код для {shop}. Он действует один раз в течение 15 минут.",
            "link": "Или откройте на телефоне: {link}",
            "other": "Вы его не запрашивали? Тогда код знаете только вы, и делать ничего не нужно.",
        },
    }
)


class CodeLimiter:
    """In this process's memory: how often codes are asked for."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allow(self, way: Way, place: str, address: str) -> bool:
        """Count one; whether it may be sent. `place`: where to, kept as a hash."""
        if not self._limiter.hit(_PER_ADDRESS, "address", address):
            return False
        if way == "phone" and not self._limiter.hit(_ALL_TEXTS, "texts"):
            return False
        name = hashlib.sha256(place.encode()).hexdigest()
        return all(self._limiter.hit(limit, "place", name) for limit in _PER_PLACE)


def place_of(typed: str) -> tuple[Way, str] | None:
    """By which way, and in which form, what was typed is known; None: neither an e-mail address nor a phone number."""
    way: Way = "email" if "@" in typed else "phone"
    known = RULES[way].normalise(typed)
    return (way, known) if known is not None else None


async def send(runtime: Runtime, office: Office, way: Way, place: str) -> int:
    """Make and send codes for the customers this place names, one in each store at the most; how many were sent."""
    sent = 0
    for customer, store in await _customers(runtime, way, place):
        async with runtime.db.write() as session:
            if await _waiting(session, customer.id, runtime.clock.now()) >= MOST_WAITING:
                continue
            code = await login_code(session, customer.id, runtime.clock.now())
        if code is not None:
            letter = letter_of(way, place, code.code, store.name, customer.language, runtime.settings.public_url)
            sent += await office.send(way, letter)
    return sent


async def _customers(runtime: Runtime, way: Way, place: str) -> list[tuple[Customer, Store]]:
    found = []
    async with runtime.db.read() as session:
        for store in (await session.scalars(select(Store).order_by(Store.id))).all():
            subject = await identity.resolve(session, runtime.keys, store.id, way, place)
            named = select(Customer).where(Customer.subject == subject, Customer.store == store.id)
            customer = (await session.scalars(named)).one_or_none() if subject is not None else None
            if customer is not None:
                found.append((customer, store))
    return found[:MOST_CUSTOMERS]


async def _waiting(session: AsyncSession, customer: str, now: datetime) -> int:
    valid = (LoginCode.customer == customer, LoginCode.expires_at > now)
    return await session.scalar(select(func.count()).select_from(LoginCode).where(*valid)) or 0


def letter_of(way: Way, place: str, code: str, shop: str, language: str, public_url: str | None) -> Letter:
    """It names the shop and nobody."""
    words = _TEXTS.get(language, _TEXTS["en"])
    lines = [words["text"].format(code=code, shop=shop)]
    if public_url is not None:
        lines.append(words["link"].format(link=f"{public_url}/me#{code}"))
    if way == "email":
        lines = ["\n\n".join([*lines, words["other"]]) + "\n"]
    title = " ".join(words["title"].format(shop=shop).split())
    return Letter(place, title, "\n".join(lines))
