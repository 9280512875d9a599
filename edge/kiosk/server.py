"""HTTP for the kiosk: one page, its files, a small JSON interface. Own thread; the desk has another one beside it."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.events import Purpose
from edge.config.kiosk import KioskConfig, Language, listen_address
from edge.errors import NodeError
from edge.kiosk.desk import Desk
from edge.kiosk.errors import KioskError
from edge.kiosk.page import STATIC, Pages
from edge.kiosk.pictures import LIMIT_BYTES
from edge.kiosk.session import Purpose as Errand
from edge.kiosk.session import Session
from edge.process import limit_threads

log = logging.getLogger(__name__)
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "vitrina_kiosk"
CSRF_HEADER = "X-Kiosk-Token"
_SWEEP_S = 2.0
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class _Start(BaseModel):
    model_config = ConfigDict(extra="forbid")
    errand: Errand
    language: Language


class _Agreement(BaseModel):
    model_config = ConfigDict(extra="forbid")
    purposes: list[Purpose] = Field(max_length=10)
    text_sha256: str = Field(max_length=64)


class KioskServer:
    """Serves until stopped. NodeError from `start` when the address is taken or the certificate unreadable."""

    def __init__(self, config: KioskConfig, desk: Desk) -> None:
        self._config = config
        self._desk = desk
        self._pages = Pages(config, desk.texts)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="kiosk http", daemon=True)
        self._worker = ThreadPoolExecutor(1, "kiosk", initializer=limit_threads)
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._fault: OSError | None = None
        self._looking = False
        self.url = ""
        """Where it listens, once started."""

    def start(self) -> None:
        """Listen; returns when it does."""
        self._thread.start()
        self._started.wait()
        if self._fault is not None:
            self._worker.shutdown()
            reason = self._fault.strerror or str(self._fault)
            raise NodeError(f"kiosk.listen: {self._config.listen}: {reason}; choose a free port and readable cert, key")
        log.info("kiosk: %s", self.url)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop listening, wipe who is there."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout_s)
        self._worker.shutdown()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:  # ssl.SSLError is one
            self._fault = error
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        runner = web.AppRunner(self.application(), access_log=None, handle_signals=False)
        await runner.setup()
        try:
            host, port = listen_address(self._config.listen)
            site = web.TCPSite(runner, host, port, ssl_context=_tls(self._config))
            await site.start()
            self.url = f"{'https' if self._config.cert else 'http'}://{host}:{runner.addresses[0][1]}/"
            self._started.set()
            while not self._stopping.is_set():
                await self._do(self._desk.sweep)
                await _either(self._stopping, _SWEEP_S)
        finally:
            await self._do(self._desk.clear)
            await runner.cleanup()

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=LIMIT_BYTES + 1024, middlewares=[_guard])
        app.router.add_get("/", self._page)
        app.router.add_get("/static/{name}", _file)
        app.router.add_post("/api/session", self._begin)
        app.router.add_delete("/api/session", self._end)
        app.router.add_post("/api/consent", self._agree)
        app.router.add_post("/api/picture", self._picture)
        app.router.add_post("/api/withdrawal", self._withdraw)
        return app

    async def _do(self, work: Callable[[], T]) -> T:
        """On the desk's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def _page(self, request: web.Request) -> web.Response:
        language = self._pages.language(request.query.get("lang", ""), request.headers.get("Accept-Language", ""))
        text = self._pages.draw(language, faces=self._desk.faces_allowed)
        return web.Response(
            text=text, content_type="text/html", charset="utf-8", headers={"Content-Language": language}
        )

    async def _begin(self, request: web.Request) -> web.Response:
        wish = await _body(request, _Start)
        cookie, address = request.cookies.get(COOKIE, ""), request.remote or ""
        session = await self._do(partial(self._desk.start, wish.errand, wish.language, cookie, address))
        answer = web.json_response({"step": session.step, "csrf": session.csrf}, status=201)
        secure = self._config.cert is not None
        answer.set_cookie(COOKIE, session.cookie, httponly=True, secure=secure, samesite="Strict", path="/api")
        return answer

    async def _end(self, request: web.Request) -> web.Response:
        await self._session(request)
        await self._do(self._desk.clear)
        answer = web.Response(status=204)
        answer.del_cookie(COOKIE, path="/api")
        return answer

    async def _agree(self, request: web.Request) -> web.Response:
        session = await self._session(request)
        given = await _body(request, _Agreement)
        work = partial(self._desk.agree, session, given.purposes, given.text_sha256)
        return web.json_response(asdict(await self._do(work)))

    async def _picture(self, request: web.Request) -> web.Response:
        """One at a time: a tablet that sends faster than we look is told so, nothing queues up."""
        if self._looking:
            raise KioskError("too_fast")
        self._looking = True
        try:
            session = await self._session(request)
            raw = await request.read()
            return web.json_response(asdict(await self._do(partial(self._desk.picture, session, raw))))
        finally:
            self._looking = False

    async def _withdraw(self, request: web.Request) -> web.Response:
        session = await self._session(request)
        return web.json_response(asdict(await self._do(partial(self._desk.confirm, session))))

    async def _session(self, request: web.Request) -> Session:
        cookie, token = request.cookies.get(COOKIE, ""), request.headers.get(CSRF_HEADER, "")
        return await self._do(partial(self._desk.find, cookie, token))


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Safe headers on every answer; changes only from our own page; errors as words."""
    try:
        own = f"{request.scheme}://{request.host}"
        if request.method not in ("GET", "HEAD") and request.headers.get("Origin", "") != own:
            raise KioskError("forbidden")
        answer = await handler(request)
    except KioskError as error:
        answer = web.json_response({"error": error.word}, status=error.status)
    except web.HTTPException as error:
        answer = web.json_response({"error": error.reason}, status=error.status)
    answer.headers.update(_HEADERS)
    return answer


async def _file(request: web.Request) -> web.StreamResponse:
    kind = STATIC.get(request.match_info["name"])
    if kind is None:
        raise web.HTTPNotFound
    return web.Response(body=kind.body, content_type=kind.content_type, charset="utf-8")


M = TypeVar("M", bound=BaseModel)


async def _body(request: web.Request, model: type[M]) -> M:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return model.model_validate_json(await request.read())
    except ValidationError:
        raise web.HTTPUnprocessableEntity from None


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _tls(config: KioskConfig) -> ssl.SSLContext | None:
    if config.cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(config.cert, config.key)
    return context
