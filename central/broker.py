"""The embedded broker: iotcore (rumqttd) in a child of its own, on the loopback only, restarted when it dies.

Not durable: what it held is lost with it. Nothing depends on that: edges send again until they have a receipt.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from central.errors import MisconfiguredError

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
READY_S = 15.0
LONGEST_PAUSE_S = 10.0
MAX_PAYLOAD = 65536
"""Above what we accept (16 KiB), so that an oversized message is seen and counted instead of ending a connection."""
_CONFIG = """
id = 0

[router]
id = 0
max_connections = 1010
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10

[v4.1]
name = "v4-1"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v4.1.connections]
connection_timeout_ms = 10000
max_payload_size = {payload}
max_inflight_count = 200
dynamic_filters = true
"""


def configuration(port: int) -> str:
    """rumqttd's configuration (TOML): one listener on the loopback, MQTT 3.1.1."""
    return _CONFIG.format(host=HOST, port=port, payload=MAX_PAYLOAD)


def free_port() -> int:
    """A loopback port nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class EmbeddedBroker:
    """`start` returns once it accepts connections; `supervise` keeps it alive; `stop` ends it."""

    def __init__(self, port: int) -> None:
        self.port = port or free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="vitrina-broker-")
        self._config = Path(self._folder.name) / "broker.toml"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"mqtt://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """MisconfiguredError when the port is taken or the child does not come up."""
        self._check_port()
        self._config.write_text(configuration(self.port), encoding="utf-8")
        await self._spawn()

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                raise MisconfiguredError(
                    f"broker: port {self.port} of {HOST} cannot be used ({error.strerror});"
                    " stop what listens there, choose --broker-port, or name that broker with --broker mqtt://..."
                ) from None

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "central.broker_child",
            str(self._config),
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
        )
        for _ in range(int(READY_S / 0.05)):
            if self._process.returncode is not None:
                raise MisconfiguredError(f"broker: the child ended with code {self._process.returncode} at its start")
            if await self._answers():
                return
            await asyncio.sleep(0.05)
        await self.stop()
        raise MisconfiguredError(f"broker: port {self.port} did not open within {READY_S:.0f} s")

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True

    async def supervise(self) -> None:
        """Start it again whenever it dies, until cancelled."""
        pause = 0.2
        while True:
            assert self._process is not None
            code = await self._process.wait()
            log.error("broker: ended with code %s; starting it again", code)
            await asyncio.sleep(pause)
            try:
                await self._spawn()
            except MisconfiguredError as error:
                log.error("%s", error)
                pause = min(LONGEST_PAUSE_S, pause * 2)
            else:
                log.warning("broker: runs again")
                pause = 0.2

    async def stop(self) -> None:
        """End the child."""
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._folder.cleanup()
