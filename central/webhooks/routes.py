"""Subscriptions and their deliveries, for managers; message templates."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.runtime import RuntimeDep
from central.staff.access import AdminDep, ManagerDep, Principal
from central.webhooks import messages, subscriptions
from central.webhooks.addresses import ForbiddenAddressError, networks, target
from central.webhooks.schemas import DeliveryOut, MessageOut, SubscriptionIn, SubscriptionOut, TemplateIn, TemplateOut
from central.webhooks.tables import Subscription
from contract.values import Name

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
templates_router = APIRouter(prefix="/api/v1/message-templates", tags=["webhooks"])
StoreQuery = Annotated[Name, Query(description="A store of yours.")]
SubscriptionPath = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
DeliveryPath = Annotated[int, Path(ge=1, le=2**63 - 1)]
State = Literal["open", "done", "dead", "dropped"]
Language = Annotated[Literal["en", "ru"], Path()]
_MISTAKE: Final[dict[int | str, dict[str, Any]]] = {422: {"description": "A mistake in a template, with its line."}}
_GONE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "No such subscription, or not yours."}}


@router.get("", summary="Who is told what, and how it goes")
async def of_store(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery) -> list[SubscriptionOut]:
    """`waiting` and `dead` count deliveries."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await subscriptions.of_store(session, store)


@router.post("", summary="Subscribe a site", status_code=201, responses={422: {"description": "Not such an address."}})
async def add(runtime: RuntimeDep, principal: AdminDep, body: SubscriptionIn) -> SubscriptionOut:
    """The answer holds the secret, this once. The address must be public and https; an operator may allow others."""
    principal.check_store(body.store)
    try:
        await target(body.url, networks(runtime.settings.webhook_networks))
    except (ForbiddenAddressError, OSError, UnicodeError) as error:
        reason = str(error) if isinstance(error, ForbiddenAddressError) else "there is no such host"
        raise HTTPException(422, f"url: {reason}") from None
    async with runtime.change() as effects:
        if await effects.session.get(Store, body.store) is None:
            raise HTTPException(404, f"there is no store {body.store!r}")
        return await subscriptions.add(effects, body, principal.reader)


@router.delete("/{subscription}", summary="Unsubscribe", status_code=204, responses=_GONE)
async def remove(runtime: RuntimeDep, principal: AdminDep, subscription: SubscriptionPath) -> None:
    """What is on its way to it is given up."""
    async with runtime.change() as effects:
        await _own(effects.session, principal, subscription)
        await subscriptions.remove(effects.session, subscription)


@router.post("/{subscription}/on", summary="Switch on again, and try at once what waits", responses=_GONE)
async def on(runtime: RuntimeDep, principal: AdminDep, subscription: SubscriptionPath) -> SubscriptionOut:
    """After it was switched off by hand, or by the receiver's answer 410."""
    async with runtime.change() as effects:
        row = await _own(effects.session, principal, subscription)
        return await subscriptions.switch(effects, row, active=True)


@router.post("/{subscription}/off", summary="Switch off", responses=_GONE)
async def off(runtime: RuntimeDep, principal: AdminDep, subscription: SubscriptionPath) -> SubscriptionOut:
    """Nothing is sent, and what happens from now on is not noted for it; it stays in the list for whoever pulls."""
    async with runtime.change() as effects:
        row = await _own(effects.session, principal, subscription)
        return await subscriptions.switch(effects, row, active=False)


@router.get("/{subscription}/deliveries", summary="Deliveries: waiting, done, tried in vain", responses=_GONE)
async def deliveries(
    runtime: RuntimeDep,
    principal: ManagerDep,
    subscription: SubscriptionPath,
    state: State | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[DeliveryOut]:
    """Newest first. Never the content."""
    async with runtime.db.read() as session:
        await _own(session, principal, subscription)
        return await subscriptions.deliveries(session, subscription, state, limit)


@router.post("/{subscription}/replay", summary="Try again everything that was tried in vain", responses=_GONE)
async def replay_all(runtime: RuntimeDep, principal: AdminDep, subscription: SubscriptionPath) -> SubscriptionOut:
    """The same `webhook-id` as before, so a receiver that had it after all takes it once."""
    async with runtime.change() as effects:
        row = await _own(effects.session, principal, subscription)
        await subscriptions.replay(effects, subscription)
        return await subscriptions.shown(effects.session, row)


@router.post("/{subscription}/deliveries/{delivery}/replay", summary="Try one again", responses=_GONE)
async def replay(
    runtime: RuntimeDep, principal: AdminDep, subscription: SubscriptionPath, delivery: DeliveryPath
) -> SubscriptionOut:
    """404 unless it was tried in vain."""
    async with runtime.change() as effects:
        row = await _own(effects.session, principal, subscription)
        if not await subscriptions.replay(effects, subscription, delivery):
            raise HTTPException(404, "there is no such delivery that was tried in vain")
        return await subscriptions.shown(effects.session, row)


async def _own(session: AsyncSession, principal: Principal, subscription: str) -> Subscription:
    row = await session.get(Subscription, subscription)
    if row is None or not principal.sees(row.store):
        raise HTTPException(404, f"there is no subscription {subscription!r}")
    return row


@templates_router.get("/{language}", summary="The after-visit message in force")
async def template(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery, language: Language) -> TemplateOut:
    """As Jinja templates."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await messages.in_force(session, store, language)


@templates_router.put("/{language}", summary="Write another after-visit message", responses=_MISTAKE)
async def put_template(runtime: RuntimeDep, principal: ManagerDep, language: Language, body: TemplateIn) -> TemplateOut:
    """422 names the part and the line; then nothing changed."""
    principal.check_store(body.store)
    try:
        async with runtime.change() as effects:
            if await effects.session.get(Store, body.store) is None:
                raise HTTPException(404, f"there is no store {body.store!r}")
            return await messages.put(effects, language, body, principal.reader)
    except messages.TemplateMistakeError as error:
        raise HTTPException(422, str(error)) from None


@templates_router.post("/{language}/preview", summary="See a message with sample data", responses=_MISTAKE)
async def preview(principal: ManagerDep, language: Language, body: TemplateIn) -> MessageOut:
    """Nothing is kept, nobody is named."""
    principal.check_store(body.store)
    given = messages.Templates(body.title, body.text, body.html)
    try:
        messages.check(given)
        made = messages.render(given, messages.SAMPLE)
    except messages.TemplateMistakeError as error:
        raise HTTPException(422, str(error)) from None
    return MessageOut(customer="sample", language=language, subject=made.title, text=made.text, html=made.html)
