"""RTSP cameras: a small server of our own (RFC 2326 over TCP, JPEG over RTP per RFC 2435), no outside program."""

from __future__ import annotations

import base64
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from contract.clock import SystemClock
from hardware.backoff import BackoffPolicy
from hardware.cameras.base import Camera
from hardware.cameras.options import RtspOptions
from hardware.cameras.thread import CameraThread
from hardware.errors import HardwareError, PermanentError, TransientError
from hardware.registry import create_camera

WIDTH, HEIGHT, PACKET = 320, 240, 1200
SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track0\r\n"
Serve = Callable[..., int]


def _segments(jpeg: bytes) -> tuple[bytes, bytes]:
    """Quantisation tables and entropy-coded data of a baseline JPEG."""
    tables, position = b"", 2
    while True:
        marker, length = struct.unpack(">HH", jpeg[position : position + 4])
        body = jpeg[position + 4 : position + 2 + length]
        position += 2 + length
        if marker == 0xFFDB:
            for start in range(0, len(body), 65):
                tables += body[start + 1 : start + 65]
        if marker == 0xFFDA:
            return tables, jpeg[position:-2]


def rtp_packets(number: int, sequence: Iterator[int]) -> Iterator[bytes]:
    image = np.full((HEIGHT, WIDTH, 3), 40 + number % 150, np.uint8)
    tables, scan = _segments(cv2.imencode(".jpg", image)[1].tobytes())
    for offset in range(0, len(scan), PACKET):
        chunk = scan[offset : offset + PACKET]
        last = offset + PACKET >= len(scan)
        rtp = struct.pack(">BBHII", 0x80, 26 | last << 7, next(sequence) & 0xFFFF, number * 3600, 7)
        header = struct.pack(">IBBBB", offset, 1, 255, WIDTH // 8, HEIGHT // 8)
        quantisation = struct.pack(">BBH", 0, 0, len(tables)) + tables if offset == 0 else b""
        packet = rtp + header + quantisation + chunk
        yield b"$\x00" + struct.pack(">H", len(packet)) + packet


def _requests(connection: socket.socket) -> Iterator[tuple[str, dict[str, str]]]:
    """Method and header fields of each request; fields also hold the method's CSeq."""
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            data = connection.recv(4096)
            if not data:
                return
            buffer += data
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        parted = (line.partition(":") for line in lines)
        yield first.split()[0], {key.lower(): value.strip() for key, _, value in parted}


def _answer(method: str, fields: dict[str, str], login: str, describe: str) -> tuple[str, str, str]:
    """Status, headers and body."""
    allowed = base64.b64encode(login.encode()).decode()
    if method == "OPTIONS":
        return "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""
    if login and fields.get("authorization") != f"Basic {allowed}":
        return "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n', ""
    if method == "DESCRIBE":
        return describe, "Content-Type: application/sdp\r\n", SDP if describe == "200 OK" else ""
    if method == "SETUP":
        assert "RTP/AVP/TCP" in fields["transport"]
        return "200 OK", "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", ""
    return "200 OK", "Session: 1\r\n", ""


def rtsp(frames: int, login: str = "", describe: str = "200 OK") -> Callable[[socket.socket, threading.Event], None]:
    """A camera that sends `frames` and then nothing more."""

    def play(connection: socket.socket, stop: threading.Event) -> None:
        sequence = itertools.count()
        for number in range(frames):
            for packet in rtp_packets(number, sequence):
                connection.sendall(packet)
            if stop.wait(0.04):
                return
        stop.wait(60)

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        for method, fields in _requests(connection):
            status, headers, body = _answer(method, fields, login, describe)
            head = f"RTSP/1.0 {status}\r\nCSeq: {fields['cseq']}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
            connection.sendall((head + body).encode())
            if method == "PLAY":
                play(connection, stop)

    return behave


def camera(port: int, **more: object) -> Camera:
    settings = {"url": f"rtsp://127.0.0.1:{port}/live", "open_timeout_s": 3, "read_timeout_s": 0.7, **more}
    return create_camera(RtspOptions.model_validate(settings), SystemClock())


def test_pictures_over_tcp_and_a_stall_is_timed_out(serve: Serve) -> None:
    source = camera(serve(rtsp(60)))
    source.open()
    shapes = []

    def read_all() -> None:
        while True:
            shapes.append(source.read().image.shape)

    with pytest.raises(TransientError, match="stopped sending"):
        read_all()
    source.close()
    assert 50 <= len(shapes) <= 60
    assert set(shapes) == {(HEIGHT, WIDTH, 3)}


def test_a_password_with_special_characters(serve: Serve) -> None:
    port = serve(rtsp(60, login="admin:p@ss:w/rd"))
    source = camera(port, username="admin", password="p@ss:w/rd")
    source.open()
    assert source.read().image.shape == (HEIGHT, WIDTH, 3)
    source.close()
    for more, words in [
        ({"username": "admin", "password": "guess1"}, "refuses the user or the password"),
        ({}, "asks for a password"),
    ]:
        with pytest.raises(PermanentError, match=words) as caught:
            camera(port, **more).open()
        assert "guess1" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [("404 Not Found", PermanentError, "no such path"), ("500 Fault", TransientError, "fault of its own")],
)
def test_refusals_say_why(serve: Serve, status: str, kind: type[HardwareError], words: str) -> None:
    with pytest.raises(kind, match=words):
        camera(serve(rtsp(1, describe=status))).open()


def test_nothing_listens_and_silence(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TransientError, match="Nothing listens"):
        camera(port).open()
    silent = camera(serve(lambda connection, stop: stop.wait(60)), open_timeout_s=0.5)
    before = time.monotonic()
    with pytest.raises(TransientError, match="does not answer within"):
        silent.open()
    assert time.monotonic() - before < 20


def test_the_thread_reconnects(serve: Serve) -> None:
    port = serve(rtsp(40))
    count = itertools.count()
    thread = CameraThread(
        lambda: camera(port),
        lambda frame: next(count) and None,
        clock=SystemClock(),
        policy=BackoffPolicy(first_s=0.02, limit_s=0.1),
    )
    thread.start()
    deadline = time.monotonic() + 40
    while thread.counts.reconnects < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert thread.counts.reconnects >= 2
    assert thread.counts.captured > 60
    assert thread.stop(timeout_s=5)
