"""Accounts, sessions and tokens."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.errors import MisconfiguredError
from central.runtime import Runtime
from central.staff.passwords import SHORTEST, hash_password, new_token, token_hash, verify_password
from central.staff.tables import MachineToken, StaffMember, StaffSession


async def add(session: AsyncSession, name: str, role: str, store: str | None, password: str) -> None:
    """Create an account, or change role, store and password of one. MisconfiguredError says what is wrong."""
    if not name or len(name) > 80:
        raise MisconfiguredError("NAME: 1 to 80 characters")
    if len(password) < SHORTEST:
        raise MisconfiguredError(f"password: at least {SHORTEST} characters")
    if store is None and role != "admin":
        raise MisconfiguredError(f"--store: a {role} belongs to one store; name it")
    await _check_store(session, store)
    row = (await session.scalars(select(StaffMember).where(StaffMember.name == name))).one_or_none()
    if row is None:
        session.add(StaffMember(name=name, role=role, store=store, password_hash=hash_password(password), active=True))
        return
    row.role, row.store, row.password_hash, row.active = role, store, hash_password(password), True
    await session.execute(delete(StaffSession).where(StaffSession.staff == row.id))


async def create_token(
    session: AsyncSession, role: str, store: str, runtime: Runtime, source: str | None = None
) -> str:
    """A bearer token for a machine; shown once, only its hash is kept. `source`: which site or app it is."""
    await _check_store(session, store)
    token = new_token()
    session.add(
        MachineToken(
            token_hash=token_hash(token), role=role, store=store, source=source, created_at=runtime.clock.now()
        )
    )
    return token


async def tokens(session: AsyncSession, store: str | None) -> list[MachineToken]:
    """The tokens of a store, or of all; what they are is known by their hash alone."""
    statement = select(MachineToken).order_by(MachineToken.store, MachineToken.role, MachineToken.created_at)
    if store is not None:
        statement = statement.where(MachineToken.store == store)
    return list((await session.scalars(statement)).all())


async def revoke_token(session: AsyncSession, ident: str, store: str | None = None) -> bool:
    """Whoever has the token may do nothing from now on. `ident`: how its hash begins. False: there is no such token."""
    found = [row for row in await tokens(session, store) if len(ident) >= SHORTEST and row.token_hash.startswith(ident)]
    if len(found) != 1:
        return False
    await session.delete(found[0])
    return True


async def _check_store(session: AsyncSession, store: str | None) -> None:
    if store is None or await session.get(Store, store) is not None:
        return
    known = ", ".join((await session.scalars(select(Store.id))).all()) or "none yet: import one first"
    raise MisconfiguredError(f"--store: there is no store {store!r} (known: {known})")


async def log_in(runtime: Runtime, name: str, password: str) -> str | None:
    """A new session's token, or None when name or password is wrong."""
    async with runtime.db.read() as session:
        member = (
            await session.scalars(select(StaffMember).where(StaffMember.name == name, StaffMember.active))
        ).one_or_none()
    if not verify_password(member.password_hash if member else None, password) or member is None:
        return None
    token, now = new_token(), runtime.clock.now()
    async with runtime.db.write() as session:
        session.add(
            StaffSession(
                token_hash=token_hash(token),
                staff=member.id,
                csrf=secrets.token_urlsafe(24),
                created_at=now,
                expires_at=now + timedelta(hours=runtime.settings.session_hours),
            )
        )
    return token


async def log_out(runtime: Runtime, token: str) -> None:
    """End the session on the server, not only in the browser."""
    async with runtime.db.write() as session:
        await session.execute(delete(StaffSession).where(StaffSession.token_hash == token_hash(token)))
