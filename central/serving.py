"""Listening: uvicorn on a socket we bind ourselves, so that a busy port is a clear message; and the broker alone."""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from central.app import create_app
from central.broker import EmbeddedBroker
from central.errors import MisconfiguredError
from central.runtime import Runtime
from central.settings import Settings, broker_address
from contract.clock import Clock
from contract.supervisor import Supervisor

STOP_S = 5


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; says where on one line of JSON once everything works."""
    asyncio.run(_serve(settings, Supervisor.of_process()))


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


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would end the process before our own lifespan is over."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(settings: Settings, supervisor: Supervisor) -> None:
    if settings.broker_url is not None:
        broker_address(settings.broker_url)
    listener = _listen(settings.host, settings.port)
    app = create_app(settings)
    config = uvicorn.Config(
        app, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_S
    )
    server = _Server(config)
    # Our own lifespan, so that a mistake reaches the command line as an exception instead of a traceback in a log.
    async with app.router.lifespan_context(app):
        runtime: Runtime = app.state.runtime

        def leave() -> None:
            supervisor.stopping()
            server.should_exit = True
            runtime.hub.close()  # open event streams would hold up the end

        _on_signals(leave)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            _announce(runtime.bus.url if runtime.bus else "", *listener.getsockname()[:2])
            supervisor.ready()
        beating = asyncio.create_task(_beat(supervisor, runtime.clock))
        await serving
        beating.cancel()
    if app.state.broken:
        sys.exit(1)


async def _beat(supervisor: Supervisor, clock: Clock) -> None:
    """Feed the watchdog from the event loop: when that hangs, nobody does."""
    while supervisor.period_s is not None:
        supervisor.alive(clock.monotonic())
        await asyncio.sleep(supervisor.period_s / 2)


def _on_signals(action: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, action)


def _announce(broker: str, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    settle_memory()
    print(json.dumps({"ready": True, "url": f"http://{shown}:{port}", "broker": broker}), flush=True)


def settle_memory() -> None:
    """What start-up made stays for good: a full collection that looks through it again costs 150 ms of one request."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # native modules complain of whatever is left at the end


async def serve_broker(port: int) -> None:
    """The embedded broker until SIGTERM or SIGINT."""
    broker = EmbeddedBroker(port)
    await broker.start()
    print(json.dumps({"ready": True, "broker": broker.url}), flush=True)
    supervisor = asyncio.create_task(broker.supervise())
    stop = asyncio.Event()
    _on_signals(stop.set)
    await stop.wait()
    supervisor.cancel()
    with suppress(asyncio.CancelledError):
        await supervisor
    await broker.stop()
