"""Shared field types of events and commands. Money is in minor units (kopecks, cents); times are aware UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

MAX_PAYLOAD_BYTES = 4096
"""Largest message this system sends (PRIVACY P3)."""

MAX_ACCEPTED_BYTES = 16384
"""Largest message a consumer looks at; a hostile peer's bigger one is refused unread (PRIVACY S3)."""

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,39}$"
"""Store, node, camera, zone and label ids: one MQTT topic level, readable in a log."""


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _rfc3339(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""An opaque id: visit, subject (customer pseudonym), quote, track."""

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=3072)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Utc = Annotated[
    AwareDatetime,
    AfterValidator(_to_utc),
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Minor = Annotated[int, Field(ge=0, le=10**12)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Metres = Annotated[float, Field(ge=-10_000, le=10_000, allow_inf_nan=False)]
Point = tuple[Metres, Metres]
"""A place on the store plan: metres right and metres down from its north-west corner."""


class Wire(BaseModel):
    """Base of everything on the wire: immutable, and unknown fields are ignored: peers may be a version apart."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Report(Wire):
    """Base of what a node says (up)."""


class Command(Wire):
    """Base of what central says to a node (down)."""
