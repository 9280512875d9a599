"""Secrets are named by the file they stand in: everybody on the machine can read a command line."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit

from central.errors import MisconfiguredError


def secret(path: Path, option: str) -> str:
    """The one line of a file; MisconfiguredError names the option."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise MisconfiguredError(f"{option} {path}: cannot be read ({type(error).__name__})") from None
    if not text or "\n" in text:
        raise MisconfiguredError(f"{option} {path}: one line is expected")
    return text


def with_password(url: str, path: Path, option: str) -> str:
    """`scheme://USER@HOST...` with the password that stands in the file."""
    parts = urlsplit(url)
    account, _, host = parts.netloc.rpartition("@")
    if not account or ":" in account:
        raise MisconfiguredError(f"{option}: the address must name a user and no password, {parts.scheme}://USER@HOST")
    return parts._replace(netloc=f"{account}:{quote(secret(path, option), safe='')}@{host}").geturl()
