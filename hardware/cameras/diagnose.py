"""Why did a network camera not open? OpenCV only says no; one plain request tells the operator what to mend."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from hardware.errors import HardwareError, PermanentError, TransientError
from hardware.redact import redact

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_REPLY_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Reply:
    """The start of a camera's answer to one request."""

    status: int
    content_type: str


def explain(url: str, timeout_s: float) -> HardwareError:
    """The classed error for a camera at `url` that could not be opened. Asks the camera once; never raises."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        reply = _ask(url, host, port, timeout_s)
    except socket.gaierror:
        return TransientError(
            f"The name {host!r} of the camera {redact(url)} is not known", "Check the name, or write its IP address"
        )
    except ConnectionRefusedError:
        return TransientError(
            f"Nothing listens at {host}:{port} for the camera {redact(url)}",
            "Check that the camera is on and that its port is right",
        )
    except (TimeoutError, ssl.SSLError, OSError) as error:
        return TransientError(
            f"The camera {redact(url)} does not answer within {timeout_s:g} s ({type(error).__name__})",
            "Check power, cable and that this machine reaches its network",
        )
    return judge(reply, url, with_password=parts.username is not None)


def judge(reply: Reply | None, url: str, *, with_password: bool) -> HardwareError:
    """The error for a camera that answered `reply` (None: no sense in it) but gave no video. Pure."""
    name = redact(url)
    if reply is None:
        return TransientError(
            f"What answers at {name} does not speak {urlsplit(url).scheme.upper()}", "Check the port and the scheme"
        )
    if reply.status in (401, 403) and with_password:
        return PermanentError(f"The camera {name} refuses the user or the password", "Check `username`, `password`")
    if reply.status in (401, 403):
        return PermanentError(f"The camera {name} asks for a password", "Add `username` and `password`")
    if reply.status == 404:
        return PermanentError(f"The camera at {name} has no such path", "Check the part of `url` after the host")
    if 400 <= reply.status < 500:
        return PermanentError(f"The camera {name} refuses the request ({reply.status})", "Check `url` in its manual")
    if reply.status >= 500:
        return TransientError(f"The camera {name} has a fault of its own ({reply.status})", "Restart it if this stays")
    if reply.content_type.startswith("text/"):
        return PermanentError(f"{name} is a page ({reply.content_type}), not a video stream", "Check `url`")
    return TransientError(
        f"The camera {name} answers but sends no picture this machine can decode", "Check its codec: H.264 or MJPEG"
    )


def parse_reply(data: bytes) -> Reply | None:
    """Status and content type of an HTTP or RTSP answer, None if it is neither. Pure."""
    lines = data.decode("latin-1").split("\r\n")
    words = lines[0].split()
    if len(words) < 2 or not words[0].startswith(("HTTP/", "RTSP/")) or not words[1].isdigit():
        return None
    headers = dict(line.lower().split(":", 1) for line in lines[1:] if ":" in line)
    return Reply(int(words[1]), headers.get("content-type", "").strip())


def _ask(url: str, host: str, port: int, timeout_s: float) -> Reply | None:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme.startswith("rtsp"):
        target = f"rtsp://{host}:{port}{path}"
        request = f"DESCRIBE {target} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"
    else:
        request = f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n"
    with socket.create_connection((host, port), timeout=timeout_s) as plain:
        plain.settimeout(timeout_s)
        if parts.scheme not in ("rtsps", "https"):
            return _exchange(plain, request)
        with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure:
            return _exchange(secure, request)


def _exchange(connection: socket.socket, request: str) -> Reply | None:
    connection.sendall(request.encode("utf-8"))
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _REPLY_BYTES:
        block = connection.recv(_REPLY_BYTES)
        if not block:
            break
        data += block
    return parse_reply(data)
