"""Configuration of drivers, classed errors, backoff, redaction, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contract.clock import ManualClock
from hardware.backoff import Backoff, BackoffPolicy, delay_s
from hardware.cameras.options import CameraOptions, RtspOptions
from hardware.errors import HardwareError, MisconfiguredError, PermanentError, TransientError
from hardware.redact import redact
from hardware.registry import create_camera, create_labels, create_scanner, drivers, find, parse

ROOT = Path(__file__).resolve().parents[2]


def test_every_driver_has_a_factory_and_a_page() -> None:
    assert {(info.kind, info.name) for info in drivers()} == {
        *(("camera", name) for name in ("rtsp", "http", "file", "webcam", "simulated")),
        *(("scanner", name) for name in ("serial", "hid", "simulated")),
        *(("label", name) for name in ("openepaperlink", "simulated")),
    }
    for info in drivers():
        module, _, factory = info.factory.partition(":")
        assert callable(getattr(import_module(module), factory))
        page = (ROOT / info.page).read_text()
        assert all(f"`{option}`" in page for option in info.options.model_fields), info.page
        assert info.missing() == ()


def test_creating_by_options() -> None:
    clock = ManualClock()
    camera = create_camera(parse("camera", {"driver": "rtsp", "url": "rtsp://u:secret@host/live"}), clock)
    assert camera.name == "rtsp://***@host/live"
    assert create_scanner(parse("scanner", {"driver": "simulated"}), clock).read.__name__ == "read"
    assert create_labels(parse("label", {"driver": "simulated"}), clock).online


@pytest.mark.parametrize(
    ("kind", "mapping", "option", "words"),
    [
        ("camera", {}, "driver", "rtsp, http, file, webcam, simulated"),
        ("camera", {"driver": "onvif"}, "driver", "no camera driver 'onvif'"),
        ("camera", {"driver": "rtsp"}, "url", "Field required"),
        ("camera", {"driver": "rtsp", "url": "http://x/"}, "url", "must look like rtsp://"),
        ("camera", {"driver": "rtsp", "url": "rtsp://a:p[x@h/"}, "url", "`password`"),
        ("camera", {"driver": "rtsp", "url": "rtsp://x/", "stal_after_s": 3}, "stal_after_s", "stall_after_s"),
        ("camera", {"driver": "file", "path": "x", "pace": "slow"}, "pace", "realtime"),
        ("scanner", {"driver": "serial", "port": "/dev/ttyACM0", "baudrate": -1}, "baudrate", "greater than 0"),
        ("label", {"driver": "openepaperlink", "url": "192.0.2.1"}, "url", "http://HOST"),
    ],
)
def test_a_wrong_option_is_named(kind: str, mapping: dict[str, object], option: str, words: str) -> None:
    with pytest.raises(MisconfiguredError) as caught:
        parse(kind, mapping)  # type: ignore[arg-type]
    assert caught.value.option == option
    assert words in str(caught.value)


def test_the_union_for_a_larger_configuration() -> None:
    adapter: TypeAdapter[CameraOptions] = TypeAdapter(CameraOptions)
    options = adapter.validate_python({"driver": "rtsp", "url": "rtsp://h/1", "username": "a", "password": "pw/1@"})
    assert isinstance(options, RtspOptions)
    assert options.address() == "rtsp://a:pw%2F1%40@h/1"
    assert "pw" not in repr(options)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python({"driver": "rtsp", "url": "rtsp://u:secret@h/1", "colour": 1})
    assert "secret" not in str(caught.value)


def test_importing_the_registry_loads_no_driver_library() -> None:
    code = (
        "import sys, hardware.registry, hardware.errors, hardware.backoff\n"
        "print([name for name in ('cv2', 'numpy', 'serial', 'httpx', 'websockets', 'PIL', 'zxingcpp', 'aiohttp')"
        " if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_label_client_does_not_load_the_emulator_or_cameras() -> None:
    code = "import sys, hardware.labels.openepaperlink; print([n for n in ('aiohttp', 'cv2') if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_missing_packages_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.registry.find_spec", lambda name: None if name == "serial" else object())
    assert find("scanner", "serial").missing() == ("serial",)
    with pytest.raises(MisconfiguredError, match="serial"):
        create_scanner(parse("scanner", {"driver": "serial", "port": "x"}), ManualClock())


@pytest.mark.parametrize("kind", [TransientError, PermanentError, MisconfiguredError])
def test_errors_hold_no_credentials(kind: type[HardwareError]) -> None:
    error = kind("rtsp://admin:hunter2@cam/1 is away", "try http://admin:hunter2@cam/?password=hunter2&x=1")
    assert "hunter2" not in str(error) + repr(error) + error.message + error.advice
    assert "cam/1 is away. try" in str(error)
    assert "x=1" in str(error)


SECRET = st.text(st.characters(codec="ascii", exclude_characters=" <>\"'", exclude_categories=["C"]), min_size=6)


@given(SECRET)
def test_no_password_survives_redaction(password: str) -> None:
    secret = f"Zq{password}qZ"
    assert secret not in redact(f"could not open rtsp://admin:{secret}@192.0.2.7:554/live at all")


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_delays_grow_to_the_limit_and_never_past_it(attempt: int, draw: float) -> None:
    policy = BackoffPolicy(first_s=0.5, factor=2.0, limit_s=30.0, jitter=0.5)
    full = min(30.0, 0.5 * 2 ** min(attempt - 1, 60))
    assert full / 2 <= delay_s(policy, attempt, draw) <= full
    assert delay_s(policy, 0, draw) == 0.0


def test_a_connection_that_is_kicked_at_once_does_not_reset_the_backoff() -> None:
    clock = ManualClock()
    backoff = Backoff(BackoffPolicy(first_s=1, limit_s=8, jitter=0, stable_s=10), clock, draw=lambda: 0.0)
    delays = []
    for _ in range(4):
        backoff.connected()
        clock.advance(1)
        delays.append(backoff.failed())
    assert delays == [1, 2, 4, 8]
    backoff.connected()
    clock.advance(11)
    assert backoff.failed() == 1
