"""The enrolment page on the store's network."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from edge.config.fields import Section

Language = Literal["en", "ru"]


def _listen(text: str) -> str:
    host, colon, port = text.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
        valid = bool(colon) and 0 <= int(port) <= 65535
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must be ADDRESS:PORT with an address of this machine, such as 192.168.1.20:8443")
    return text


Listen = Annotated[str, AfterValidator(_listen)]


def listen_address(listen: str) -> tuple[str, int]:
    """A checked `listen` to (host, port)."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


class KioskConfig(Section):
    """Where the page is served, the text people agree to, and which camera of the tablet is used."""

    listen: Listen
    cert: Path | None = None
    """PEM certificate chain. Browsers give a page its camera over https only, or on the machine itself."""
    key: Path | None = None
    consent: dict[Language, Path] = Field(min_length=1)
    """The consent text in each language; the page is offered in these languages only."""
    consent_version: str = Field(min_length=1, max_length=40)
    camera: Literal["user", "environment"] = "user"
    """The tablet's camera on the side of the screen, or on its back."""
    idle_s: float = Field(default=120.0, ge=10, le=600)
    """Everything of a person who walked away is wiped after this long."""

    @model_validator(mode="after")
    def _camera_needs_https(self) -> KioskConfig:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert, key: give both or neither")
        if self.cert is None and not ipaddress.ip_address(listen_address(self.listen)[0]).is_loopback:
            raise ValueError("cert, key: needed, because browsers give a page its camera over https only")
        return self
