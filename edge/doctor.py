"""What is missing on this node, and how to mend it: one line to a finding."""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from contract.clock import Clock
from edge import doctor_devices as devices
from edge.config.model import EdgeConfig
from edge.errors import NodeError
from edge.keys import load_or_create
from edge.labels.fonts import font_path
from edge.model_cards import needed_models, weights_dir
from edge.site_policy import SitePolicyKeeper
from models.catalogue import model
from models.errors import ModelError
from models.weights import BUILD_COMMAND, fault, read_manifest

Level = Literal["OK", "WARN", "FAIL"]
LOW_DISK_MB, NO_DISK_MB = 1024, 100
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""No node is older than this: an earlier date is a dead clock battery."""
SOON = timedelta(days=60)
_UNSYNCHRONISED = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Level
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:<4}  {self.what:<18}  {self.text}"


Check = Callable[[EdgeConfig, Clock], Iterator[Finding]]


def examine(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    """Every check, one after the other; none stops the next."""
    here = (_state_dir, _key, _clock, _policy, _models, _threshold, _fonts, _trust)
    for check in (*here, _broker, _cameras, _scanners, _labels, _kiosk):
        yield from check(config, clock)


def _state_dir(config: EdgeConfig, _clock: Clock) -> Iterator[Finding]:
    path = config.state_dir
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"x" * 4096)
    except OSError as error:
        yield Finding("FAIL", "state_dir", f"{path}: {error.strerror}; make it writable for the user the node runs as")
        return
    free = shutil.disk_usage(path).free // 2**20
    level: Level = "OK" if free >= LOW_DISK_MB else "WARN" if free >= NO_DISK_MB else "FAIL"
    advice = "" if level == "OK" else f"; free at least {LOW_DISK_MB} MB: events wait here while the broker is away"
    yield Finding(level, "state_dir", f"{path}: writable, {free} MB free{advice}")
    for aside in sorted(path.glob("*.damaged-*")):
        if not aside.name.endswith(("-wal", "-shm")):
            yield Finding("WARN", "state_dir", f"{aside.name}: a damaged database was moved aside; keep it for support")


def _key(config: EdgeConfig, _clock: Clock) -> Iterator[Finding]:
    try:
        key = load_or_create(config.state_dir)
    except NodeError as error:
        yield Finding("FAIL", "node key", str(error))
        return
    yield Finding("OK", "node key", f"public half {key.public}")


def _clock(_config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    now = clock.now()
    if now < EARLIEST:
        yield Finding("FAIL", "clock", f"it says {now:%Y-%m-%d %H:%M} UTC; set it (`timedatectl set-ntp true`)")
    elif _unsynchronised():
        yield Finding("WARN", "clock", "not kept by NTP: check-ins and prices expire by it; install chrony")
    else:
        yield Finding("OK", "clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, kept by NTP")


def _unsynchronised() -> bool:
    """What the kernel says (adjtimex(2) with nothing to set)."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return True
    return int(state) in (-1, _UNSYNCHRONISED)


def _policy(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    try:
        decision = SitePolicyKeeper(config).decide(clock.now())
    except NodeError as error:
        yield Finding("FAIL", "policy", str(error))
        return
    if not decision.reason:
        until = "" if decision.expires_at is None else f", until {decision.expires_at:%Y-%m-%d}"
        yield Finding("OK", "policy", f"mode {decision.mode} in region {decision.region}{until}")
    else:
        yield Finding("WARN", "policy", f"mode {decision.mode} instead of {decision.asked}: {decision.reason}")


def _models(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    try:
        mode = SitePolicyKeeper(config).decide(clock.now()).mode
    except NodeError:
        mode = "qr_only"
    folder = weights_dir(config)
    built = read_manifest(folder)
    for key in needed_models(config, mode):
        row = model(key)
        reason = fault(row, folder, built)
        if reason is None:
            yield Finding("OK", f"model {key}", f"{row.output}, licence: {row.upstream_licence}")
        else:
            yield Finding("FAIL", f"model {key}", f"{folder / row.output} {reason}; run `{BUILD_COMMAND}`")
    pack = config.models.pack
    if pack is not None and not pack.exists():
        yield Finding("FAIL", "models.pack", f"{pack}: not there; name an insightface pack's folder or remove the key")


def _threshold(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    """How strangers are kept from being named, and whether the gallery has outgrown the certificate."""
    try:
        mode = SitePolicyKeeper(config).decide(clock.now()).mode
        entrances = any(camera.role == "entrance" for camera in config.cameras)
        if mode not in ("lane", "open") or not entrances:
            return
        from edge.threshold import doctors_view

        decision = doctors_view(config, clock.now())
    except (NodeError, ModelError) as error:
        yield Finding("WARN", "threshold", f"not judged: {error}")
        return
    level: Level = "OK" if decision.certified and not decision.renew_soon else "WARN"
    yield Finding(level, "threshold", decision.sentence)


def _fonts(config: EdgeConfig, _clock: Clock) -> Iterator[Finding]:
    if config.labels is None:
        return
    try:
        yield Finding("OK", "label fonts", font_path(bold=True).name)
    except NodeError as error:
        yield Finding("FAIL", "label fonts", str(error))


def _trust(config: EdgeConfig, _clock: Clock) -> Iterator[Finding]:
    if config.trust is None:
        yield Finding("FAIL", "trust", "section missing; print it with `python -m central keys`")
    else:
        yield Finding("OK", "trust", "central's signing and sealing keys are set")


def _broker(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    if config.broker is None:
        yield Finding("FAIL", "broker", "section missing; give it `urls: [mqtt://HOST:PORT]`")
        return
    for url in config.broker.urls:
        problem = devices.try_broker(config.broker, url, config)
        yield Finding("FAIL" if problem else "OK", "broker", f"{url}: {problem or 'connected'}")
    ends = None if config.broker.cert is None else devices.certificate_ends(config.broker.cert)
    if ends is not None and ends < clock.now() + SOON:
        yield Finding(
            "WARN", "broker", f"this node's certificate ends on {ends:%Y-%m-%d}; run the playbook to renew it"
        )


def _cameras(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    for camera in config.cameras:
        report = devices.try_camera(camera.source, clock)
        yield Finding("OK" if report.works else "FAIL", f"camera {camera.id}", report.text)
        if camera.role == "floor" and camera.homography is None:
            advice = "no homography: people are not placed on the plan; run `python -m calibration floor`"
            yield Finding("WARN", f"camera {camera.id}", advice)


def _scanners(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    for scanner in config.scanners:
        report = devices.try_scanner(scanner.source, clock)
        yield Finding("OK" if report.works else "FAIL", f"scanner {scanner.id}", report.text)


def _labels(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    if config.labels is None:
        return
    report, known = devices.try_labels(config.labels.source, clock)
    yield Finding("OK" if report.works else "FAIL", "labels", report.text)
    if not report.works:
        return
    for place in config.labels.map:
        info = known.get(place.address.upper())
        if info is None:
            text = f"address {place.address} is not known there; check labels.map, or pair the label"
            yield Finding("FAIL", f"label {place.id}", text)
        else:
            battery = "battery unknown" if info.battery_mv is None else f"battery {info.battery_mv} mV"
            yield Finding("OK", f"label {place.id}", f"{info.width}x{info.height}, {battery}")


def _kiosk(config: EdgeConfig, clock: Clock) -> Iterator[Finding]:
    if config.kiosk is None:
        return
    problem = devices.try_kiosk(config.kiosk, clock.now())
    if problem is not None:
        yield Finding("FAIL", "kiosk", problem)
        return
    where = f"{'http' if config.kiosk.cert is None else 'https'}://{config.kiosk.listen}"
    languages = ", ".join(sorted(config.kiosk.consent))
    yield Finding("OK", "kiosk", f"{where}, consent {config.kiosk.consent_version} in {languages}")
    try:
        mode = SitePolicyKeeper(config).decide(clock.now()).mode
    except NodeError:
        return
    if mode == "qr_only":
        yield Finding("WARN", "kiosk", "nobody can enrol under mode qr_only; withdrawals work")
