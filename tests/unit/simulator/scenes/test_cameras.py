"""The simulated network camera, watched as the product watches real ones."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from contract.clock import SystemClock
from simulator.scenes.cameras import MjpegCamera


def numbered(now: float) -> npt.NDArray[np.uint8]:
    """A grey picture whose brightness tells the time."""
    return np.full((120, 160, 3), 40 + int(now * 20) % 160, np.uint8)


def wait_until(condition: object, seconds: float = 5.0) -> bool:
    assert callable(condition)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_ffmpeg_opens_the_stream_and_sees_it_move() -> None:
    with MjpegCamera(numbered, 30, SystemClock()) as camera:
        capture = cv2.VideoCapture(camera.url, cv2.CAP_FFMPEG)
        try:
            assert capture.isOpened()
            shades = set()
            for _ in range(20):
                ok, frame = capture.read()
                assert ok
                assert frame.shape == (120, 160, 3)
                shades.add(int(frame.mean()))
            assert len(shades) > 3
        finally:
            capture.release()


def test_nothing_is_drawn_unless_somebody_watches() -> None:
    with MjpegCamera(numbered, 50, SystemClock()) as camera:
        time.sleep(0.3)
        assert camera.rendered == 0
        watcher = camera.frames()
        assert next(watcher).startswith(b"\xff\xd8")
        assert camera.clients == 1
        watcher.close()
        assert camera.clients == 0
        time.sleep(0.1)
        drawn = camera.rendered
        time.sleep(0.3)
        assert camera.rendered == drawn


def test_several_watchers_share_the_frames() -> None:
    calls: list[float] = []

    def counted(now: float) -> npt.NDArray[np.uint8]:
        calls.append(now)
        return numbered(now)

    with MjpegCamera(counted, 20, SystemClock()) as camera:
        watchers = [camera.frames() for _ in range(4)]
        seen = [0] * 4

        def watch(number: int) -> None:
            for _ in range(10):
                next(watchers[number])
                seen[number] += 1

        threads = [threading.Thread(target=watch, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert seen == [10] * 4
        assert len(calls) < 25


def test_frames_come_at_the_rate_asked_for() -> None:
    with MjpegCamera(numbered, 20, SystemClock()) as camera:
        watcher = camera.frames()
        next(watcher)
        begin, first = time.monotonic(), camera.rendered
        for _ in range(30):
            next(watcher)
        rate = (camera.rendered - first) / (time.monotonic() - begin)
        assert 0.6 < rate / 20 < 1.3
        watcher.close()


def test_a_watcher_who_goes_away_is_noticed() -> None:
    with MjpegCamera(numbered, 50, SystemClock()) as camera:
        parts = urlsplit(camera.url)
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as line:
            line.sendall(b"GET /stream.mjpg HTTP/1.0\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.0 200")
            assert wait_until(lambda: camera.clients == 1)
        assert wait_until(lambda: camera.clients == 0)


def test_a_wrong_address_is_refused() -> None:
    with MjpegCamera(numbered, 5, SystemClock()) as camera:
        parts = urlsplit(camera.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        connection.request("GET", "/other")
        assert connection.getresponse().status == 404
        connection.close()


def test_stopping_ends_the_stream_and_frees_the_port() -> None:
    camera = MjpegCamera(numbered, 20, SystemClock())
    camera.start()
    watcher = camera.frames()
    next(watcher)
    camera.stop()
    assert list(watcher) == []
    port = urlsplit(camera.url).port or 0
    MjpegCamera(numbered, 20, SystemClock(), port=port).stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_scene_that_fails_ends_the_stream() -> None:
    def broken(now: float) -> npt.NDArray[np.uint8]:
        raise RuntimeError("the scene is broken")

    with MjpegCamera(broken, 20, SystemClock()) as camera:
        assert list(camera.frames()) == []


def test_a_busy_port_is_an_error_at_once() -> None:
    with MjpegCamera(numbered, 5, SystemClock()) as camera, pytest.raises(OSError):
        MjpegCamera(numbered, 5, SystemClock(), port=urlsplit(camera.url).port or 0)


@pytest.mark.parametrize("fps", [0, -1, 1000])
def test_a_senseless_rate_is_refused(fps: float) -> None:
    with pytest.raises(ValueError, match="fps"):
        MjpegCamera(numbered, fps, SystemClock())
