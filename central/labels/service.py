"""What labels should show: public prices kept in step, personal ones by arbitration, confirmation by the glass."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.service import place, public_content
from central.catalogue.tables import Product, Store
from central.effects import Effects, Origin
from central.labels.arbitration import Occupant, Personal, decide
from central.labels.schemas import LabelOut
from central.labels.tables import Label, Presence
from central.outgoing import service as outgoing
from central.pricing import ledger, quoting
from central.pricing import service as pricing
from central.pricing.disclosure import disclosure
from central.pricing.tables import Quote
from central.privacy.service import purposes_of
from central.visits.service import is_live
from central.visits.tables import Visit
from contract.codec import plain
from contract.commands import LabelContent, LabelRevert, LabelShow
from contract.events import LabelState

PUBLIC_VALID = timedelta(hours=24)
REVERT_VALID = timedelta(hours=1)
FORGET_TRACK = timedelta(minutes=30)
"""A track that neither dwelled nor left for this long is taken for lost."""
Reason = Literal["left", "shared", "expired", "withdrawn", "redeemed", "operator"]


async def show_public(effects: Effects, label: Label, store: Store, product: Product) -> None:
    """Send the public price unless the node is known to hold exactly this, or is being told so."""
    content = plain(public_content(product, store.language, effects.settings.public_url))
    if content == label.confirmed_public:
        return
    command = LabelShow(
        sequence=1,
        valid_until=effects.now + PUBLIC_VALID,
        label=label.id,
        variant="public",
        content=LabelContent.model_validate(content),
    )
    _want(label, "public", content, None)
    label.wanted_public = content
    await outgoing.issue(effects, label.store, label.node, label.id, command)
    ledger.enter(effects, label.store, label.sku, "public", "shown", product.price, label=label.id)


def _want(label: Label, variant: str, content: dict[str, object] | None, quote: Quote | None) -> None:
    label.wanted_variant, label.wanted_content = variant, content
    label.wanted_quote = quote.id if quote else None
    label.wanted_visit = quote.visit if quote else None
    label.wanted_expires_at = quote.expires_at if quote else None


async def sync_public(effects: Effects, store_id: str, node: str | None = None) -> None:
    """Bring the public prices of a store's labels (or one node's) up to date: after a birth, after an import."""
    store = await effects.session.get(Store, store_id)
    if store is None:
        return
    statement = (
        select(Label, Product)
        .join(Product, (Product.store == Label.store) & (Product.sku == Label.sku))
        .where(Label.store == store_id)
        .order_by(Label.id)
    )
    if node is not None:
        statement = statement.where(Label.node == node)
    for label, product in (await effects.session.execute(statement)).all():
        changed = plain(public_content(product, store.language, effects.settings.public_url)) != label.wanted_public
        if changed or label.confirmed_public is None:
            await show_public(effects, label, store, product)


async def arbitrate(effects: Effects, store_id: str, zone: str, *, late: bool) -> None:
    """Decide for one zone and act on its labels. `late`: only old news came, so nothing becomes personal."""
    session = effects.session
    labels = (await session.scalars(select(Label).where(Label.store == store_id, Label.zone == zone))).all()
    if not labels:
        return
    decision = decide(await _occupants(effects, store_id, zone))
    if not isinstance(decision, Personal):
        for label in labels:
            await revert(effects, label, decision.reason)
        return
    visit = await session.get(Visit, (store_id, decision.visit))
    store = await session.get(Store, store_id)
    if visit is None or store is None:
        return
    for label in labels:
        if label.wanted_variant == "personal" and label.wanted_visit != visit.id:
            await revert(effects, label, "left")
        if not late:
            await _show_personal(effects, label, store, visit)


async def _occupants(effects: Effects, store_id: str, zone: str) -> list[Occupant]:
    statement = select(Presence).where(
        Presence.store == store_id,
        Presence.zone == zone,
        Presence.left_at.is_(None),
        Presence.touched_at > effects.now - FORGET_TRACK,
    )
    rows = (await effects.session.scalars(statement.limit(2))).all()  # two are a crowd already
    alone = len(rows) == 1 and await _allowed(effects, store_id, rows[0].visit)
    return [Occupant(row.track, row.visit, row.dwelled, alone) for row in rows]


async def _allowed(effects: Effects, store_id: str, visit_id: str | None) -> bool:
    visit = await effects.session.get(Visit, (store_id, visit_id)) if visit_id else None
    if visit is None or visit.subject is None or not is_live(visit, effects.now):
        return False
    purposes = await purposes_of(effects.session, visit.subject)
    return purposes.get("profile", False) and purposes.get("personal_price", False)


async def _show_personal(effects: Effects, label: Label, store: Store, visit: Visit) -> None:
    current = label.wanted_variant == "personal" and label.wanted_visit == visit.id
    if current and label.wanted_expires_at is not None and label.wanted_expires_at > effects.now:
        return
    product = await effects.session.get(Product, (label.store, label.sku))
    if product is None or label.confirmed_public != plain(
        public_content(product, store.language, effects.settings.public_url)
    ):
        return  # the node must hold the right public price first: it is what the label goes back to
    quote = await quoting.quote_for(effects, store, visit, product, label)
    if quote is None:
        return
    base = public_content(product, store.language, effects.settings.public_url)
    content = base.model_copy(
        update={
            "price": quote.price,
            "was": product.price,
            "disclosure": disclosure(store.region, store.language, store.disclosures),
        }
    )
    command = LabelShow(
        sequence=1,
        valid_until=quote.expires_at,
        label=label.id,
        variant="personal",
        content=content,
        quote=quote.id,
        visit=visit.id,
        zone=label.zone,
        expires_at=quote.expires_at,
    )
    _want(label, "personal", plain(content), quote)
    await outgoing.issue(effects, label.store, label.node, label.id, command)
    ledger.enter(effects, label.store, label.sku, "personal", "shown", quote.price, label=label.id, quote=quote)


async def revert(effects: Effects, label: Label, reason: Reason) -> None:
    """Back to the public price, if a personal one was asked for."""
    if label.wanted_variant != "personal":
        return
    command = LabelRevert(
        sequence=1,
        valid_until=effects.now + REVERT_VALID,
        label=label.id,
        quote=label.wanted_quote,
        reason=reason,
    )
    _want(label, "public", label.wanted_public, None)
    await outgoing.issue(effects, label.store, label.node, label.id, command)


async def revert_visits(effects: Effects, visits: Collection[Visit], reason: Reason) -> None:
    """Every label that was made personal for one of these visits goes back."""
    keys = {(visit.store, visit.id) for visit in visits}
    if not keys:
        return
    statement = select(Label).where(Label.wanted_visit.in_([visit for _, visit in keys]))
    for label in (await effects.session.scalars(statement)).all():
        if (label.store, label.wanted_visit) in keys:
            await revert(effects, label, reason)


async def revert_quote(effects: Effects, store: str, quote: str, reason: Reason) -> None:
    """Labels that show this quote go back."""
    statement = select(Label).where(Label.store == store, Label.wanted_quote == quote)
    for label in (await effects.session.scalars(statement)).all():
        await revert(effects, label, reason)


async def close_expired(effects: Effects) -> None:
    """Labels whose personal price ran out revert by themselves at the edge; note that nothing is wanted any more."""
    statement = select(Label).where(Label.wanted_variant == "personal", Label.wanted_expires_at < effects.now)
    for label in (await effects.session.scalars(statement)).all():
        _want(label, "public", label.wanted_public, None)


async def reported(effects: Effects, origin: Origin, event: LabelState) -> None:
    """What a label did. Old news never overwrites newer."""
    session = effects.session
    label = await session.get(Label, (origin.store, event.label))
    if label is None or label.node != origin.node:
        return
    at = origin.true(event.at)
    newest = label.reported_at is None or at >= label.reported_at
    if newest:
        label.reported_at = at
        label.battery_mv = event.battery_mv if event.battery_mv is not None else label.battery_mv
        if event.state != "battery_low":
            label.state = event.state
    command = await outgoing.find(session, origin.store, origin.node, event.command) if event.command else None
    if command is not None and command.state in (*outgoing.OPEN, "expired"):
        command.state = {"pending": "accepted", "shown": "confirmed"}.get(event.state, "failed")
    if event.state != "shown":
        return
    content = command.data.get("content") if command is not None and command.kind == "label.show" else None
    if event.variant == "personal":
        if event.quote is not None:
            await pricing.arm(effects, origin.store, event.quote, label.id, gone_already=not newest)
        if newest:
            _on_glass(label, event, content or label.wanted_content)
        return
    await _public_on_glass(effects, label, event, content, newest=newest)


async def _public_on_glass(effects: Effects, label: Label, event: LabelState, content: object, *, newest: bool) -> None:
    shown = content if isinstance(content, dict) else label.wanted_public
    if isinstance(content, dict) or label.confirmed_public is None:
        label.confirmed_public = shown
        if label.zone is not None:
            effects.zones.add((label.store, label.zone))  # somebody may have been waiting for it
    if not newest:
        return
    _on_glass(label, event, shown)
    await _edge_reverted(effects, label, event)
    await outgoing.close(effects.session, label.store, label.node, label.id, "label.revert", "confirmed")
    await pricing.off_the_glass(effects, label.store, label.id)
    if event.price is not None:
        ledger.enter(effects, label.store, label.sku, "public", "confirmed", event.price, label=label.id)


async def _edge_reverted(effects: Effects, label: Label, event: LabelState) -> None:
    """The gateway went back by itself: what we asked for is over, so that the same visit may be shown it again."""
    if label.wanted_variant != "personal" or event.cause not in {"expiry", "zone", "restart"}:
        return
    asked = await outgoing.newest(effects.session, label.store, label.node, label.id, "label.show")
    if asked is not None and label.reported_at is not None and asked.created_at <= label.reported_at:
        asked.state = "confirmed" if asked.state in outgoing.OPEN else asked.state
        _want(label, "public", label.wanted_public, None)


def _on_glass(label: Label, event: LabelState, content: object) -> None:
    label.glass_variant, label.glass_quote = event.variant, event.quote
    label.glass_content = content if isinstance(content, dict) else None
    price = event.price
    if price is None and isinstance(content, dict):
        price = LabelContent.model_validate(content).price
    label.glass_price, label.glass_at = price, label.reported_at


async def shown(session: AsyncSession, store: str) -> list[LabelOut]:
    """All labels of a store, by id."""
    rows = (await session.scalars(select(Label).where(Label.store == store).order_by(Label.id))).all()
    return list(_outs(rows))


async def one(session: AsyncSession, store: str, label: str) -> LabelOut | None:
    """One label."""
    row = await session.get(Label, (store, label))
    return next(iter(_outs([row]))) if row else None


def _outs(rows: Iterable[Label]) -> Iterable[LabelOut]:
    for row in rows:
        wanted = None
        if row.wanted_variant and row.wanted_content:
            wanted = {"variant": row.wanted_variant, "content": row.wanted_content}
        yield LabelOut.model_validate(
            {
                **place(row).model_dump(),
                "variant": row.glass_variant or "unknown",
                "state": row.state,
                "since": row.glass_at,
                "battery_mv": row.battery_mv,
                "content": row.glass_content,
                "wanted": wanted,
                "quote": row.glass_quote,
            }
        )
