"""Webcams: what can be tested without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.clock import ManualClock
from hardware.cameras.options import WebcamOptions
from hardware.errors import PermanentError, TransientError
from hardware.registry import create_camera


def test_a_webcam_that_is_not_plugged_in() -> None:
    camera = create_camera(WebcamOptions(device=63), ManualClock())
    assert camera.name == "/dev/video63"
    with pytest.raises(TransientError, match="There is no camera /dev/video63"):
        camera.open()
    with pytest.raises(TransientError, match="gives no picture"):
        camera.read()
    camera.close()


def test_a_device_that_is_no_camera(tmp_path: Path) -> None:
    path = tmp_path / "video0"
    path.touch()
    with pytest.raises(PermanentError, match="does not open as a camera") as caught:
        create_camera(WebcamOptions(device=str(path), width=640, height=480, fps=15), ManualClock()).open()
    assert "group video" in caught.value.advice
