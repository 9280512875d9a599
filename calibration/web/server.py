"""HTTP for the pages: loopback unless a certificate is given, a key in the address, changes only from our own page."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
import signal
import ssl
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel, ValidationError

from calibration.errors import CalibrationError

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "vitrina_calibration"
LIMIT_BYTES = 2_000_000
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen. Anything but this machine itself needs a certificate: a still shows the inside of a shop."""

    host: str = "127.0.0.1"
    port: int = 0
    cert: Path | None = None
    key: Path | None = None

    @staticmethod
    def parse(text: str, cert: Path | None, key: Path | None) -> Listen:
        """`ADDRESS:PORT`; CalibrationError names what is missing."""
        host, _, port = text.rpartition(":")
        try:
            address = ipaddress.ip_address(host.strip("[]"))
            number = int(port)
        except ValueError:
            raise CalibrationError(f"--listen: {text!r}: write ADDRESS:PORT, such as 127.0.0.1:8090") from None
        if not 0 <= number < 65536:
            raise CalibrationError(f"--listen: {text!r}: a port is 0 to 65535")
        if (cert is None) != (key is None):
            raise CalibrationError("--cert, --key: give both or neither")
        if not address.is_loopback and cert is None:
            raise CalibrationError(
                f"--listen: {host} is reachable from the network; give --cert and --key, or stay on 127.0.0.1 and use "
                "`ssh -L 8090:127.0.0.1:8090 NODE`"
            )
        return Listen(str(address), number, cert, key)


class PageServer:
    """Runs an application on a thread of its own; work on pictures on another one, one job at a time."""

    def __init__(self, listen: Listen, build: Callable[[PageServer], web.Application]) -> None:
        self._listen = listen
        self._key = secrets.token_urlsafe(18)
        self._worker = ThreadPoolExecutor(1, "calibration")
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._fault: OSError | None = None
        self._build = build
        self._thread = threading.Thread(target=self._run, name="calibration http", daemon=True)
        self.url = ""
        """Where it listens, with the key, once started."""

    def start(self) -> None:
        """Listen. CalibrationError when the address is taken or the certificate unreadable."""
        self._thread.start()
        self._started.wait()
        if self._fault is not None:
            raise CalibrationError(f"--listen: {self._listen.host}:{self._listen.port}: {self._fault.strerror}")

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout_s)
        self._worker.shutdown()

    async def do(self, work: Callable[[], T]) -> T:
        """On the worker's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._fault = error
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        app = self._build(self)
        app.middlewares.append(guard_with(self._key))
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            tls = _tls(self._listen)
            site = web.TCPSite(runner, self._listen.host, self._listen.port, ssl_context=tls)
            await site.start()
            host = f"[{self._listen.host}]" if ":" in self._listen.host else self._listen.host
            self.url = f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}/?key={self._key}"
            self._started.set()
            await self._stopping.wait()
        finally:
            await runner.cleanup()


def guard_with(key: str) -> Middleware:
    """Whoever has the key is let in, everything else is refused; faults become words for the page."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await _guarded(request, handler, key)
        except CalibrationError as error:
            answer = web.json_response({"error": error.word, "text": str(error)}, status=422)
        except web.HTTPException as error:
            answer = web.json_response({"error": "other", "text": error.reason}, status=error.status)
        answer.headers.update(_HEADERS)
        return answer

    return guard


async def _guarded(request: web.Request, handler: Handler, key: str) -> web.StreamResponse:
    given = request.query.get("key", "")
    if request.method == "GET" and request.path == "/" and hmac.compare_digest(given.encode(), key.encode()):
        welcome = web.Response(status=303, headers={"Location": "/"})
        welcome.set_cookie(COOKIE, key, httponly=True, secure=request.secure, samesite="Strict")
        return welcome
    if not hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), key.encode()):
        raise web.HTTPForbidden(reason="Open the address that the command printed")
    own = f"{request.scheme}://{request.host}"
    if request.method not in ("GET", "HEAD") and request.headers.get("Origin", "") != own:
        raise web.HTTPForbidden(reason="Only the page itself may change anything")
    return await handler(request)


async def body(request: web.Request, model: type[M]) -> M:
    """The request as a model; 422 with the first field that is wrong."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CalibrationError(f"{place}: {first['msg']}", "bad_field") from None


def run_page(server: PageServer, say: Callable[[str], None], stop: threading.Event) -> int:
    """Until Ctrl-C or SIGTERM; called on the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    server.start()
    say(f"open {server.url}")
    say("Ctrl-C ends it")
    try:
        stop.wait()
    finally:
        server.stop()
    say("ended")
    return 0


def _tls(listen: Listen) -> ssl.SSLContext | None:
    if listen.cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(listen.cert, listen.key)
    return context
