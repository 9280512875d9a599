"""Trying out what is outside the process: each attempt answers within a bounded time."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from contract.clock import Clock
from edge.config.connections import BrokerConfig
from edge.config.kiosk import KioskConfig, listen_address
from edge.config.model import EdgeConfig
from edge.connection import ConnectError, Connection
from hardware.cameras.options import CameraOptions
from hardware.errors import HardwareError
from hardware.labels.base import LabelInfo
from hardware.labels.options import LabelOptions
from hardware.registry import create_camera, create_labels, create_scanner
from hardware.scanners.options import ScannerOptions

PATIENCE_S = 15.0
_LABEL_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whether it works, and what to say."""

    works: bool
    text: str


def try_broker(broker: BrokerConfig, url: str, config: EdgeConfig) -> str | None:
    """Connect, log in, subscribe - under a name of its own, so that a running node is not kicked. The problem."""
    client_id = f"vitrina-{config.store}-{config.node}-doctor"
    try:
        connection = Connection(broker, url, client_id, None, lambda: None)
        connection.open([f"vitrina/v1/{config.store}/{config.node}/receipt"], 10)
    except ConnectError as error:
        return f"{error}; check broker.urls, that the broker runs, and the firewall"
    connection.close()
    return None


def certificate_ends(cert: Path) -> datetime | None:
    """Until when a PEM certificate holds; None when it cannot be read (connecting says why)."""
    try:
        return load_pem_x509_certificate(cert.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None


def try_camera(options: CameraOptions, clock: Clock) -> Attempt:
    """Open it and take one picture."""

    def attempt() -> str:
        camera = create_camera(options, clock)
        try:
            camera.open()
            height, width = camera.read().image.shape[:2]
        finally:
            camera.close()
        return f"{camera.name}: a picture of {width}x{height}"

    return _bounded(attempt)


def try_scanner(options: ScannerOptions, clock: Clock) -> Attempt:
    """Open it."""

    def attempt() -> str:
        scanner = create_scanner(options, clock)
        try:
            scanner.open()
        finally:
            scanner.close()
        return f"{scanner.name}: opened"

    return _bounded(attempt)


def try_labels(options: LabelOptions, clock: Clock) -> tuple[Attempt, dict[str, LabelInfo]]:
    """Reach the label system and list its labels by address."""
    try:
        known = asyncio.run(_labels(options, clock))
    except (HardwareError, TimeoutError) as error:
        return Attempt(False, str(error) or f"no answer within {_LABEL_WAIT_S:g} s"), {}
    return Attempt(True, f"reached, {len(known)} labels known"), {info.address.upper(): info for info in known}


async def _labels(options: LabelOptions, clock: Clock) -> list[LabelInfo]:
    driver = create_labels(options, clock)
    await driver.open()
    try:
        async with asyncio.timeout(_LABEL_WAIT_S):
            return await driver.tags()
    finally:
        await driver.close()


def try_kiosk(kiosk: KioskConfig, now: datetime) -> str | None:
    """Read what the page needs and try its address. The problem; an address in use is the running node's own."""
    for language, path in kiosk.consent.items():
        try:
            path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return f"kiosk.consent.{language}: {path}: not a readable text in UTF-8"
    problem = None if kiosk.cert is None else _certificate_problem(kiosk.cert, kiosk.key, now)
    return problem or _address_problem(*listen_address(kiosk.listen))


def _certificate_problem(cert: Path, key: Path | None, now: datetime) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
        ends = load_pem_x509_certificate(cert.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return f"kiosk.cert, key: {cert}: {error.strerror if isinstance(error, OSError) else 'not a PEM certificate'}"
    if ends <= now:
        return f"kiosk.cert: {cert}: expired on {ends:%Y-%m-%d}; browsers give the page no camera"
    return None


def _address_problem(host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return f"kiosk.listen: {host}: {error.strerror}; give an address of this machine"
    return None


def _bounded(attempt: Callable[[], str]) -> Attempt:
    """Run it in a thread: a device that hangs must not hang the report."""
    found: list[Attempt] = []

    def run() -> None:
        try:
            found.append(Attempt(True, attempt()))
        except HardwareError as error:
            found.append(Attempt(False, str(error)))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return found[0] if found else Attempt(False, f"no answer within {PATIENCE_S:g} s; is the device in use or hung?")
