"""Sign, store, send and confirm commands. A crash between decision and wire loses nothing: the row is resent."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import and_, case, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects
from central.fleet.tables import Node
from central.keys import Keys
from central.outgoing.tables import OutgoingCommand
from contract.channels import Address, channel_for, channel_of
from contract.codec import CENTRAL_SOURCE, Envelope, encode, plain
from contract.commands import Signed
from contract.signing import signing_bytes
from contract.values import Wire

FIRST_RESEND = timedelta(seconds=3)
LONGEST_RESEND = timedelta(seconds=60)
OPEN = ("waiting", "accepted")
AnySigned = TypeVar("AnySigned", bound=Signed)


async def next_sequence(session: AsyncSession, store: str, node: str, now: datetime) -> int:
    """The node's next command number; rises for ever, whoever asks.

    Never below the time in milliseconds, so that a database restored from an older backup does not give numbers that
    the nodes have passed: they would refuse a withdrawal.
    """
    floor, following = int(now.timestamp() * 1000), Node.command_sequence + 1
    statement = (
        update(Node)
        .where(Node.store == store, Node.node == node)
        .values(command_sequence=case((following > floor, following), else_=floor))
        .returning(Node.command_sequence)
        .execution_options(synchronize_session=False)
    )
    sequence = (await session.execute(statement)).scalar_one_or_none()
    if sequence is not None:
        return sequence
    session.add(Node(store=store, node=node, online=False, command_sequence=floor))
    await session.flush()
    return floor


def signed(keys: Keys, store: str, node: str, command: AnySigned) -> AnySigned:
    """The command with central's signature over kind, address and content."""
    kind = channel_for(command).kind
    signature = keys.sign(signing_bytes(kind, store, node, plain(command)))
    return command.model_copy(update={"signature": base64.b64encode(signature).decode()})


async def issue(effects: Effects, store: str, node: str, target: str, command: Signed) -> int:
    """Number, sign and store a command; it leaves after the commit. `command.sequence` is replaced; returns it.

    Commands that still wait for the same target are replaced: only the newest wish counts.
    """
    sequence = await next_sequence(effects.session, store, node, effects.now)
    ready = signed(effects.keys, store, node, command.model_copy(update={"sequence": sequence}))
    await effects.session.execute(
        update(OutgoingCommand)
        .where(
            OutgoingCommand.store == store,
            OutgoingCommand.node == node,
            OutgoingCommand.target == target,
            OutgoingCommand.state.in_(OPEN),
        )
        .values(state="replaced")
    )
    effects.commands = [old for old in effects.commands if (old.store, old.node, old.target) != (store, node, target)]
    row = OutgoingCommand(
        store=store,
        node=node,
        kind=channel_for(command).kind,
        target=target,
        sequence=sequence,
        data=plain(ready),
        created_at=effects.now,
        valid_until=command.valid_until,
        state="waiting",
        attempts=1,
        next_at=effects.now + FIRST_RESEND,
    )
    effects.session.add(row)
    effects.commands.append(row)
    return sequence


def wire(store: str, node: str, kind: str, data: dict[str, object], now: datetime) -> tuple[str, bytes]:
    """Topic and payload of a stored command."""
    return message(store, node, channel_of(kind).model.model_validate(data), now)


def message(store: str, node: str, command: Wire, now: datetime) -> tuple[str, bytes]:
    """Topic and payload of a command."""
    channel = channel_for(command)
    envelope = Envelope(id=secrets.token_hex(16), source=CENTRAL_SOURCE, type=channel.event_type, time=now)
    return Address(store, node, channel.kind).topic, encode(envelope, command)


async def due(session: AsyncSession, now: datetime, limit: int = 200) -> Sequence[OutgoingCommand]:
    """Commands to send (again) to nodes that are online; expired ones are closed on the way."""
    await session.execute(
        update(OutgoingCommand)
        .where(OutgoingCommand.state.in_(OPEN), OutgoingCommand.valid_until < now)
        .values(state="expired")
    )
    statement = (
        select(OutgoingCommand)
        .join(Node, and_(Node.store == OutgoingCommand.store, Node.node == OutgoingCommand.node))
        .where(OutgoingCommand.state == "waiting", OutgoingCommand.next_at <= now, Node.online)
        .order_by(OutgoingCommand.id)
        .limit(limit)
    )
    rows = (await session.scalars(statement)).all()
    for row in rows:
        row.next_at = now + min(FIRST_RESEND * 2**row.attempts, LONGEST_RESEND)
        row.attempts += 1
    return rows


async def anything_due(session: AsyncSession, now: datetime) -> bool:
    """Whether `due` would find work: a read, so that an idle central does not write."""
    open_work = (OutgoingCommand.state == "waiting") & (OutgoingCommand.next_at <= now)
    lapsed = OutgoingCommand.state.in_(OPEN) & (OutgoingCommand.valid_until < now)
    return (await session.scalar(select(OutgoingCommand.id).where(open_work | lapsed).limit(1))) is not None


async def hurry(session: AsyncSession, store: str, node: str, now: datetime) -> None:
    """A node came back: what waits for it is due at once."""
    await session.execute(
        update(OutgoingCommand)
        .where(OutgoingCommand.store == store, OutgoingCommand.node == node, OutgoingCommand.state == "waiting")
        .values(next_at=now)
    )


async def find(session: AsyncSession, store: str, node: str, sequence: int) -> OutgoingCommand | None:
    """The command a node's answer refers to."""
    statement = select(OutgoingCommand).where(
        OutgoingCommand.store == store, OutgoingCommand.node == node, OutgoingCommand.sequence == sequence
    )
    return (await session.scalars(statement)).one_or_none()


async def newest(session: AsyncSession, store: str, node: str, target: str, kind: str) -> OutgoingCommand | None:
    """The last command of this kind for a target."""
    statement = (
        select(OutgoingCommand)
        .where(
            OutgoingCommand.store == store,
            OutgoingCommand.node == node,
            OutgoingCommand.target == target,
            OutgoingCommand.kind == kind,
        )
        .order_by(OutgoingCommand.id.desc())
        .limit(1)
    )
    return (await session.scalars(statement)).first()


async def close(session: AsyncSession, store: str, node: str, target: str, kind: str, state: str) -> None:
    """Close what is open of this kind for a target (a revert is confirmed by the public price on the glass)."""
    await session.execute(
        update(OutgoingCommand)
        .where(
            OutgoingCommand.store == store,
            OutgoingCommand.node == node,
            OutgoingCommand.target == target,
            OutgoingCommand.kind == kind,
            OutgoingCommand.state.in_(OPEN),
        )
        .values(state=state)
    )
