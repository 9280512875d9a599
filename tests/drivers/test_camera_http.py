"""MJPEG cameras over loopback that stall, tear, send garbage, refuse, or are not there."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from contract.clock import SystemClock
from hardware.backoff import BackoffPolicy
from hardware.cameras.base import Camera, CameraFrame
from hardware.cameras.options import HttpOptions
from hardware.cameras.thread import CameraState, CameraThread
from hardware.errors import HardwareError, PermanentError, TransientError
from hardware.registry import create_camera

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
Behaviour = Callable[[socket.socket, threading.Event], None]
Serve = Callable[..., int]


def part(number: int) -> bytes:
    image = np.full((240, 320, 3), 40, np.uint8)
    cv2.putText(image, str(number), (20, 150), cv2.FONT_HERSHEY_SIMPLEX, 3, (255, 255, 255), 5)
    body = cv2.imencode(".jpg", image)[1].tobytes()
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(body), body)


def stream(frames: int, then: Behaviour | None = None) -> Behaviour:
    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(HEAD)
        for number in range(frames):
            connection.sendall(part(number))
            if stop.wait(0.02):
                return
        if then is not None:
            then(connection, stop)

    return behave


def stall(_connection: socket.socket, stop: threading.Event) -> None:
    stop.wait(60)


def tear(connection: socket.socket, _stop: threading.Event) -> None:
    connection.sendall(part(99)[:600])


def garbage(connection: socket.socket, stop: threading.Event) -> None:
    for _ in range(100):
        connection.sendall(os.urandom(3000))
        if stop.wait(0.01):
            return


def answer(status: str, headers: str = "", body: str = "") -> Behaviour:
    def behave(connection: socket.socket, _stop: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode())

    return behave


def camera(port: int, **more: object) -> Camera:
    settings = {"url": f"http://127.0.0.1:{port}/live", "open_timeout_s": 0.5, "read_timeout_s": 0.5, **more}
    return create_camera(HttpOptions.model_validate(settings), SystemClock())


def frames_until_lost(source: Camera) -> tuple[int, HardwareError]:
    source.open()
    count = 0
    try:
        while True:
            source.read()
            count += 1
    except HardwareError as error:
        return count, error
    finally:
        source.close()


def test_frames_come_whole_in_order_and_stamped(serve: Serve) -> None:
    source = camera(serve(stream(30, stall)))
    source.open()
    frames = [source.read() for _ in range(10)]
    source.close()
    assert [frame.sequence for frame in frames] == list(range(10))
    assert {(frame.image.shape, frame.image.dtype) for frame in frames} == {((240, 320, 3), np.dtype(np.uint8))}
    stamps = [frame.captured_monotonic for frame in frames]
    assert stamps == sorted(stamps)
    assert all(frame.captured_at.utcoffset() is not None for frame in frames)


@pytest.mark.parametrize("fault", [stall, tear, garbage, None])
def test_a_fault_in_mid_stream_ends_the_read_as_transient(serve: Serve, fault: Behaviour | None) -> None:
    count, error = frames_until_lost(camera(serve(stream(20, fault))))
    assert 15 <= count <= 21
    assert isinstance(error, TransientError)
    assert "stopped sending" in error.message


def test_the_read_time_out_works_on_a_stall(serve: Serve) -> None:
    source = camera(serve(stream(5, stall)), read_timeout_s=0.5)
    before = time.monotonic()
    frames_until_lost(source)
    assert time.monotonic() - before < 20  # without the time-out FFmpeg waits for ever


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (answer("404 Not Found"), PermanentError, "no such path"),
        (answer("401 Unauthorized"), PermanentError, "refuses the user or the password"),
        (answer("503 Busy"), TransientError, "fault of its own"),
        (answer("200 OK", "Content-Type: text/html\r\n", "<p>hello"), PermanentError, "is a page"),
        (lambda connection, stop: stop.wait(60), TransientError, "does not answer within 0.5 s"),
        (
            lambda connection, stop: connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"),
            TransientError,
            "does not speak HTTP",
        ),
    ],
)
def test_a_camera_that_does_not_open_says_why(
    serve: Serve, behaviour: Behaviour, kind: type[HardwareError], words: str
) -> None:
    source = camera(serve(behaviour), username="admin", password="hunter2")
    with pytest.raises(kind, match=words) as caught:
        source.open()
    assert caught.value.advice
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in source.name


def test_nothing_listens_and_unknown_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TransientError, match=f"Nothing listens at 127.0.0.1:{port}"):
        camera(port).open()
    with pytest.raises(TransientError, match="is not known"):
        camera(1, url="http://camera.invalid/live").open()


def test_the_thread_survives_a_day_of_faults_compressed(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    busy = answer("503 Busy")  # twice: the camera is asked once more, for the reason
    port = serve(stream(10, stall), stream(10, tear), busy, busy, stream(10, garbage), stream(10), stream(2000))
    frames: list[CameraFrame] = []
    states: list[CameraState] = []
    thread = CameraThread(
        lambda: camera(port),
        frames.append,
        clock=SystemClock(),
        policy=BackoffPolicy(first_s=0.02, limit_s=0.1),
        on_change=states.append,
        name="entrance",
    )
    with caplog.at_level("INFO", logger="hardware"):
        thread.start()
        deadline = time.monotonic() + 30
        while thread.counts.reconnects < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert thread.stop(timeout_s=5)
    assert thread.counts.reconnects == 4
    assert thread.counts.captured == len(frames) > 40
    assert thread.state is CameraState.STOPPED
    assert states.count(CameraState.LOST) == 4
    messages = [record.getMessage() for record in caplog.records]
    assert sum("entrance: lost" in text for text in messages) == 4
    assert sum("entrance: back" in text for text in messages) == 4
    after = len(frames)
    time.sleep(0.1)
    assert len(frames) == after
