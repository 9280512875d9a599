"""Listening: uvicorn on a socket we bind ourselves, so that a busy port is a clear message; and the broker alone."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from contextlib import suppress

import uvicorn

from central.app import create_app
from central.broker import EmbeddedBroker
from central.errors import MisconfiguredError
from central.settings import Settings, broker_address

STOP_S = 5


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; says where on one line of JSON once everything works."""
    asyncio.run(_serve(settings))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise MisconfiguredError(
            f"--port {port}: cannot listen on {host} ({error.strerror}); stop what uses it or choose another --port"
        ) from None
    return listener


async def _serve(settings: Settings) -> None:
    if settings.broker_url is not None:
        broker_address(settings.broker_url)
    listener = _listen(settings.host, settings.port)
    app = create_app(settings)
    server = uvicorn.Server(
        uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_S)
    )
    # Our own lifespan, so that a mistake reaches the command line as an exception instead of a traceback in a log.
    async with app.router.lifespan_context(app):
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            _announce(app.state.runtime.bus.url, *listener.getsockname()[:2])
        watch = asyncio.create_task(_close_streams(server, app.state.runtime.hub.close))
        await serving
        watch.cancel()


async def _close_streams(server: uvicorn.Server, close: object) -> None:
    """Open event streams would hold up the end: let them go as soon as it is asked for."""
    assert callable(close)
    while not server.should_exit:
        await asyncio.sleep(0.1)
    close()


def _announce(broker: str, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    print(json.dumps({"ready": True, "url": f"http://{shown}:{port}", "broker": broker}), flush=True)


async def serve_broker(port: int) -> None:
    """The embedded broker until SIGTERM or SIGINT."""
    broker = EmbeddedBroker(port)
    await broker.start()
    print(json.dumps({"ready": True, "broker": broker.url}), flush=True)
    supervisor = asyncio.create_task(broker.supervise())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()
    supervisor.cancel()
    with suppress(asyncio.CancelledError):
        await supervisor
    await broker.stop()
