"""Serves a scene as a network camera: MJPEG over HTTP on loopback, drawn only while somebody watches."""

from __future__ import annotations

import logging
import math
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import cv2
import numpy as np
import numpy.typing as npt

from contract.clock import Clock

Image = npt.NDArray[np.uint8]
Draw = Callable[[float], Image]
"""The picture (BGR uint8) at a moment of the clock's monotonic time, in seconds."""

PATH = "/stream.mjpg"
_BOUNDARY = "vitrina-frame"
_SEND_TIMEOUT_S = 5.0
_STALL_S = 30.0
_SEND_BYTES = 65536
"""Kept for a watcher who reads slowly: more would be seconds of old pictures."""

log = logging.getLogger(__name__)


class MjpegCamera:
    """One camera at `http://127.0.0.1:PORT/stream.mjpg`; any number of watchers share its frames.

    `draw` is called `fps` times a second of `clock`, from one thread, and only while a watcher is connected.
    A watcher who reads too slowly misses frames, as on a real camera.
    """

    def __init__(
        self, draw: Draw, fps: float, clock: Clock, *, host: str = "127.0.0.1", port: int = 0, quality: int = 85
    ) -> None:
        """Bind at once (OSError when the port is taken); port 0 lets the system choose."""
        if not 0 < fps <= 120:
            raise ValueError(f"fps must be above 0 and at most 120, not {fps}")
        self._draw = draw
        self._period = 1 / fps
        self._clock = clock
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, quality]
        self._changed = threading.Condition()
        self._jpeg = b""
        self._number = 0
        self._watchers = 0
        self._stopping = False
        self._server = _Server((host, port), self)
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}{PATH}"

    @property
    def rendered(self) -> int:
        """Frames drawn so far."""
        return self._number

    @property
    def clients(self) -> int:
        """Watchers connected now."""
        return self._watchers

    def start(self) -> None:
        """Serve until `stop`."""
        if self._threads:
            raise RuntimeError("this camera has been started already")
        for name, target in (("serve", self._server.serve_forever), ("draw", self._run)):
            thread = threading.Thread(target=target, name=f"mjpeg-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Disconnect everybody and free the port."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._threads:
            self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> MjpegCamera:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def frames(self) -> Generator[bytes, None, None]:
        """JPEGs as they are drawn, the newest each time; ends when the camera stops or stalls."""
        with self._watching():
            last = self._number
            while True:
                with self._changed:
                    fresh = self._changed.wait_for(partial(self._has_more, last), timeout=_STALL_S)
                    if self._stopping or not fresh:
                        return
                    last, jpeg = self._number, self._jpeg
                yield jpeg

    def _has_more(self, last: int) -> bool:
        return self._stopping or self._number != last

    @contextmanager
    def _watching(self) -> Iterator[None]:
        with self._changed:
            self._watchers += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._watchers -= 1

    def _run(self) -> None:
        try:
            self._draw_in_time()
        finally:  # also when drawing failed: watchers must see the stream end
            with self._changed:
                self._stopping = True
                self._changed.notify_all()

    def _draw_in_time(self) -> None:
        due = self._clock.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._watchers > 0)
                if self._stopping:
                    return
            now = self._clock.monotonic()
            if now < due:
                self._pause(due - now)
                continue
            # Late frames are dropped, not hurried after: the next one is due on the old beat.
            due += self._period * max(1, math.ceil((now - due) / self._period))
            self._publish(self._draw(now))

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, timeout=min(seconds, 0.2))

    def _publish(self, image: Image) -> None:
        ok, encoded = cv2.imencode(".jpg", image, self._quality)
        if not ok:
            raise ValueError(f"a frame of shape {image.shape} cannot be encoded as JPEG")
        with self._changed:
            self._jpeg = encoded.tobytes()
            self._number += 1
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], camera: MjpegCamera) -> None:
        self.camera = camera
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    timeout = _SEND_TIMEOUT_S

    def setup(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        super().setup()

    def do_GET(self) -> None:
        if self.path.split("?", 1)[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, f"the stream is at {PATH}")
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        frames = self.server.camera.frames()
        try:
            for jpeg in frames:
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
        except OSError:
            log.debug("a watcher of %s went away", self.server.camera.url)
        finally:
            frames.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        log.debug(format, *args)
