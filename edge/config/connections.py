"""Where the node sends events and whom it believes: broker, keys, shelf labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from edge.config.fields import Name, PublicKey, Section
from hardware.labels.options import LabelOptions

_PORTS = {"mqtt": 1883, "mqtts": 8883}


def _broker_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL; write mqtt://HOST:PORT") from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise ValueError("must look like mqtt://HOST:PORT or mqtts://HOST:PORT")
    if parts.username or parts.password:
        raise ValueError("must not carry credentials; use `username` and `password_file`")
    return url


BrokerUrl = Annotated[str, AfterValidator(_broker_url)]


class BrokerConfig(Section):
    """MQTT 3.1.1 brokers, tried in turn. With `mqtts`, PEM files: `ca` signed the broker's certificate (default: the
    authorities that this machine trusts), `cert` and `key` are this node's own."""

    urls: tuple[BrokerUrl, ...] = Field(min_length=1, max_length=8)
    username: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    keepalive_s: int = Field(default=30, ge=5, le=3600)

    @model_validator(mode="after")
    def _pairs(self) -> BrokerConfig:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert, key: give both or neither")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file: a password needs a `username`")
        schemes = {urlsplit(url).scheme for url in self.urls}
        if len(schemes) > 1:
            raise ValueError("urls: all mqtt or all mqtts; who cuts the secure connection would get the plain one")
        if schemes == {"mqtt"} and (self.ca or self.cert):
            raise ValueError("ca, cert, key: nothing is encrypted with mqtt; write mqtts://HOST:PORT in `urls`")
        return self


def broker_address(url: str) -> tuple[str, int, bool]:
    """A checked broker URL to (host, port, TLS)."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "mqtts"


class TrustConfig(Section):
    """Public keys, base64. The first two come from `python -m central keys`."""

    central_signing_key: PublicKey
    central_sealing_key: PublicKey
    operator_key: PublicKey | None = None
    """Ed25519 key that signs site policies; without it no document is believed."""


class LabelPlace(Section):
    """One label: its id at central, its address on the access point, the zone in front of it."""

    id: Name
    address: str = Field(min_length=1, max_length=64)
    zone: Name | None = None


class LabelsConfig(Section):
    """The shelf labels this node drives."""

    source: LabelOptions
    map: tuple[LabelPlace, ...] = Field(default=(), max_length=2000)
    reserve_s: float = Field(default=30.0, ge=0, le=600)
    """A personal price with less life than this left is not pushed: the glass takes that long to change twice."""
    min_refresh_s: float = Field(default=3.0, ge=0, le=3600)
    """Least time between a change of a label and a following personal one; battery and glass wear with each."""
    flash_s: float = Field(default=0.0, ge=0, le=30)
    """Flash a label's light when a personal price is up; 0 never."""
