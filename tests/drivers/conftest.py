"""A scriptable TCP server on loopback: the devices' hostile stand-in."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

Behaviour = Callable[[socket.socket, threading.Event], None]


@contextmanager
def _serve(behaviours: tuple[Behaviour, ...]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()
    turns = iter(behaviours)

    def handle(connection: socket.socket, behave: Behaviour) -> None:
        with connection, suppress(OSError):
            behave(connection, stop)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                behave = next(turns, behaviours[-1])
                threading.Thread(target=handle, args=(connection, behave), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(2)


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """serve(first, second, ...) -> port: connection n gets behaviour n, the last one stays for all further."""
    with ExitStack() as stack:
        yield lambda *behaviours: stack.enter_context(_serve(behaviours))
