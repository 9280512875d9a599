"""What an operator says about senders, as addresses on the command line. MisconfiguredError says what to write."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from central.errors import MisconfiguredError
from central.secret_files import secret

Security = Literal["tls", "starttls", "none"]
_SCHEMES: Final[dict[str, tuple[Security, int]]] = {
    "smtps": ("tls", 465),
    "smtp+starttls": ("starttls", 587),
    "smtp": ("none", 25),
}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over. Without TLS only to this machine itself."""

    host: str
    port: int
    security: Security
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TextGateway:
    """An HTTP service that sends text messages: POST {"to", "text"} with a bearer token."""

    url: str
    token: str | None = field(default=None, repr=False)


def mail_server(url: str, sender: str | None, password_file: Path | None) -> MailServer:
    """`smtps://USER@HOST`, `smtp+starttls://USER@HOST:587`, or `smtp://127.0.0.1:25`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise MisconfiguredError(f"--smtp {url!r}: the port must be a number from 1 to 65535") from None
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.password is not None:
        raise MisconfiguredError(
            "--smtp: give smtps://USER@HOST:465 or smtp+starttls://USER@HOST:587; the password goes into a file"
            " (--smtp-password-file)"
        )
    security, usual = _SCHEMES[parts.scheme]
    if security == "none" and not _this_machine(parts.hostname):
        raise MisconfiguredError("--smtp: without TLS mail goes only to this machine (smtp://127.0.0.1:25)")
    if not sender or "@" not in sender or any(sign.isspace() for sign in sender):
        raise MisconfiguredError("--mail-from: give the address that codes come from, such as shop@shop.example")
    username = unquote(parts.username) if parts.username else None
    password = secret(password_file, "--smtp-password-file") if password_file else None
    if username is not None and password is None:
        raise MisconfiguredError("--smtp-password-file: name the file with the password of the SMTP account")
    return MailServer(parts.hostname, port or usual, security, sender, username, password)


def text_gateway(url: str, token_file: Path | None) -> TextGateway:
    """`https://...`."""
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise MisconfiguredError("--sms-url: give the https:// address of the service that sends text messages")
    if parts.scheme == "http" and not _this_machine(parts.hostname):
        raise MisconfiguredError("--sms-url: without https only a service on this machine itself is asked")
    return TextGateway(url, secret(token_file, "--sms-token-file") if token_file else None)


def public_url(url: str) -> str:
    """How phones reach central: scheme and host, nothing behind."""
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise MisconfiguredError("--public-url: give https://HOST, as customers' phones reach this service")
    return f"{parts.scheme}://{parts.netloc}"


def _this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
