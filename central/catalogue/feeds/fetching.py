"""Fetching a feed over HTTP: only when it changed, within limits, and never from anything but http(s)."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, BinaryIO, Final, cast
from urllib.parse import urlsplit

MAX_BYTES: Final = 512 * 1024**2
TIMEOUT_S: Final = 30.0
_CHUNK: Final = 1 << 16


class FetchError(Exception):
    """The feed could not be had now (transient); the message says why."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`changed` False: the server says that we have it already."""

    changed: bool
    etag: str | None
    last_modified: str | None


class _WebOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def check(url: str) -> None:
    """FetchError for anything but an http(s) address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise FetchError("the address must begin with http:// or https:// and name a host")


def fetch(url: str, into: BinaryIO, etag: str | None, last_modified: str | None) -> Fetched:
    """Write the feed into a file. Runs in a thread. FetchError."""
    check(url)
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip", "User-Agent": "vitrina"})
    if etag:
        request.add_header("If-None-Match", etag)
    if last_modified:
        request.add_header("If-Modified-Since", last_modified)
    opener = urllib.request.build_opener(_WebOnly)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            _copy(cast("http.client.HTTPResponse", answer), into)
            return Fetched(
                True, _header(answer.headers.get("ETag"), 256), _header(answer.headers.get("Last-Modified"), 64)
            )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.NOT_MODIFIED:
            return Fetched(False, etag, last_modified)
        raise FetchError(f"the server answered {error.code}") from None
    except urllib.error.URLError as error:
        raise FetchError(f"no answer: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"broken off: {error or type(error).__name__}") from None


def _copy(answer: http.client.HTTPResponse, into: BinaryIO) -> None:
    size = 0
    while data := answer.read(_CHUNK):
        size += len(data)
        if size > MAX_BYTES:
            raise FetchError(f"larger than {MAX_BYTES >> 20} MiB")
        into.write(data)
    expected = answer.headers.get("Content-Length", "")
    if expected.isdigit() and int(expected) != size:
        raise FetchError(f"broken off after {size} of {expected} bytes")
    into.seek(0)


def _header(text: str | None, longest: int) -> str | None:
    return text if text is not None and len(text) <= longest else None
