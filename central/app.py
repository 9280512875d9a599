"""The web application: one factory, one lifespan. What nodes report comes in through ingest/worker.py."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from central import keys
from central.alerts.routes import router as alerts
from central.analytics.routes import router as analytics
from central.background import Background
from central.baskets.routes import router as baskets
from central.behaviour.access import EventLimiter
from central.behaviour.routes import events_router
from central.behaviour.routes import router as behaviour
from central.broker import EmbeddedBroker
from central.broker_tls import broker_tls
from central.bus import Bus
from central.cards.routes import router as cards
from central.catalogue.feeds.routes import router as feeds
from central.catalogue.product_routes import link_router, product_router
from central.catalogue.routes import router as catalogue
from central.contribution.routes import router as contribution
from central.database import Database
from central.errors import MisconfiguredError
from central.fleet.routes import router as fleet
from central.identity.routes import router as identity
from central.ingest.routes import router as ingest
from central.ingest.worker import Worker
from central.labels.routes import router as labels
from central.openapi import describe
from central.post.office import office_of
from central.preferences.routes import router as preferences
from central.preferences.site import SearchLimiter
from central.preferences.site import router as site_search
from central.pricing.routes import router as pricing
from central.pricing.till_routes import router as till
from central.privacy.routes import router as privacy
from central.privacy.vault import FileVault
from central.profiles.codes import CodeLimiter
from central.profiles.phone_rights import rights_router
from central.profiles.phone_routes import phone_router
from central.profiles.routes import me_router, staff_router
from central.runtime import Runtime, RuntimeDep
from central.schema import migrate
from central.segments.routes import router as segments
from central.settings import Settings, broker_address
from central.staff.access import ReaderDep
from central.staff.limiter import LoginLimiter
from central.staff.routes import router as staff
from central.visits.routes import router as visits
from central.web import mount
from central.web_guard import SecurityHeaders, add_handlers
from central.webhooks.routes import router as webhooks
from central.webhooks.routes import templates_router as message_templates
from central.webhooks.site_routes import router as back_to_site
from contract.clock import Clock, SystemClock

log = logging.getLogger(__name__)
MAX_BODY = 1_048_576
BROKER_WAIT_S = 5.0
ROUTERS = (
    staff,
    alerts,
    visits,
    analytics,
    labels,
    pricing,
    till,
    contribution,
    segments,
    catalogue,
    feeds,
    product_router,
    link_router,
    preferences,
    site_search,
    fleet,
    ingest,
    staff_router,
    me_router,
    phone_router,
    rights_router,
    events_router,
    behaviour,
    identity,
    baskets,
    webhooks,
    message_templates,
    back_to_site,
    cards,
    privacy,
)


class HealthOut(BaseModel):
    """Whether the service can do its work."""

    status: str
    version: str
    database: str
    broker: str
    queue: int


def program_version() -> str:
    """Of the installed distribution; "source" when run from a tree."""
    try:
        return version("vitrina")
    except PackageNotFoundError:
        return "source"


def create_app(settings: Settings, clock: Clock | None = None, *, bus: bool = True) -> FastAPI:
    """The service. `bus=False`: without broker and background work, for tests of the web side."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            runtime = await open_runtime(settings, clock or SystemClock())
            stack.push_async_callback(runtime.db.close)
            stack.callback(runtime.vault.close)
            app.state.runtime = runtime
            if bus:
                await _start_bus(app, runtime, stack)
            stack.callback(runtime.hub.close)
            yield

    app = FastAPI(
        title="Vitrina central",
        version=program_version(),
        lifespan=lifespan,
        max_body_size=MAX_BODY,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.limiter = LoginLimiter()
    app.state.searches = SearchLimiter()
    app.state.event_limiter = EventLimiter()
    app.state.codes = CodeLimiter()
    app.state.office = office_of(settings)
    app.state.broken = False
    app.add_middleware(SecurityHeaders)
    add_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    for address in ("/api/v1/openapi.json", "/openapi.json"):
        app.add_api_route(address, description, include_in_schema=False)
    app.add_api_route("/health", health, summary="Whether the service works", tags=["health"])
    mount(app)
    return app


async def open_runtime(settings: Settings, clock: Clock) -> Runtime:
    """Keys and a migrated database; MisconfiguredError says what to mend."""
    own_keys = keys.load_or_create(settings.data)
    database = Database(settings.database_url)
    vault = FileVault(settings.data / "subject-keys.db")
    try:
        await migrate(database, vault)
    except MisconfiguredError:
        vault.close()
        await database.close()
        raise
    return Runtime(settings, database, clock, own_keys, vault)


async def _start_bus(app: FastAPI, runtime: Runtime, stack: AsyncExitStack) -> None:
    settings = runtime.settings
    url = settings.broker_url
    if url is None:
        broker = EmbeddedBroker(settings.broker_port)
        await broker.start()
        stack.push_async_callback(broker.stop)
        _in_background(app, stack, broker.supervise(), "broker")
        url = broker.url
    address = broker_address(url)
    bus = Bus(address, runtime.clock, broker_tls(settings, address))
    bus.start()
    stack.push_async_callback(bus.stop)
    if not await bus.wait_connected(BROKER_WAIT_S):
        raise MisconfiguredError(
            f"--broker {address.public}: no connection within {BROKER_WAIT_S:.0f} s ({bus.fault});"
            " check the address, that the broker runs, and with mqtts --broker-ca and --broker-cert"
        )
    runtime.bus = bus
    _in_background(app, stack, Worker(runtime, bus).run(), "ingest")
    _in_background(app, stack, Background(runtime).run(), "background")


def _in_background(app: FastAPI, stack: AsyncExitStack, work: Coroutine[None, None, None], name: str) -> None:
    task = asyncio.create_task(work, name=name)

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            # Half a service is worse than none: whoever supervises us starts a whole one; what is receipted is safe.
            log.critical("%s stopped; ending the service", task.get_name(), exc_info=task.exception())
            app.state.broken = True
            os.kill(os.getpid(), signal.SIGTERM)

    task.add_done_callback(ended)

    async def cancel() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(cancel)


async def description(request: Request, principal: ReaderDep) -> JSONResponse:
    """OpenAPI, for those who are logged in: nothing is public that need not be."""
    return JSONResponse(describe(request.app))


async def health(runtime: RuntimeDep, response: Response) -> HealthOut:
    """Public; says nothing about anybody."""
    try:
        async with runtime.db.read() as session:
            await session.execute(text("SELECT 1"))
        database = "ok"
    except (SQLAlchemyError, OSError):
        database = "unreachable"
    bus = runtime.bus
    broker = "none" if bus is None else "connected" if bus.connected else "disconnected"
    well = database == "ok" and broker != "disconnected"
    response.status_code = 200 if well else 503
    return HealthOut(
        status="ok" if well else "degraded",
        version=program_version(),
        database=database,
        broker=broker,
        queue=bus.depth if bus else 0,
    )
