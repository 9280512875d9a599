"""Badges by which the cameras leave people of the house out of all counts (contract.badge). Nothing is kept of them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import segno
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.errors import MisconfiguredError
from central.keys import Keys
from central.staff.tables import StaffMember
from contract.badge import LONGEST_LIFE_DAYS, Badge

DAYS = 90


async def store_of(session: AsyncSession, name: str, store: str | None) -> str:
    """The store the badge is for; MisconfiguredError when nobody of that name works in one."""
    row = (await session.scalars(select(StaffMember).where(StaffMember.name == name))).one_or_none()
    if row is None or not row.active:
        raise MisconfiguredError(f"NAME: there is no account {name!r}; create it with `staff add`")
    if row.store is not None and store not in (None, row.store):
        raise MisconfiguredError(f"--store: {name!r} belongs to store {row.store!r}")
    chosen = row.store or store
    if chosen is None:
        raise MisconfiguredError(f"--store: {name!r} works in all stores; name the one this badge is for")
    return chosen


def issue(keys: Keys, store: str, now: datetime, days: int = DAYS) -> str:
    """A new badge's text. Its number is drawn anew each time and noted nowhere: a badge says nothing about a person."""
    if not 1 <= days <= LONGEST_LIFE_DAYS:
        raise MisconfiguredError(f"--days: 1 to {LONGEST_LIFE_DAYS}; a badge can not be called back, so keep it short")
    unsigned = Badge(secrets.token_bytes(8), int((now + timedelta(days=days)).timestamp()))
    return Badge(unsigned.badge, unsigned.not_after, keys.sign(unsigned.signed_part(store))).encode()


def picture(text: str, file: Path) -> None:
    """The badge as an SVG or PNG to print, by the file's ending."""
    if file.suffix not in (".svg", ".png"):
        raise MisconfiguredError(f"--out: {file.name}: name it .svg or .png")
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind=file.suffix[1:], scale=8, border=4)
    try:
        file.write_bytes(drawn.getvalue())
    except OSError as error:
        raise MisconfiguredError(f"--out: {file}: {error.strerror}") from None
