"""What the customer's own page asks for and is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.sent import Sent
from contract.values import Minor, Name, Utc

Sku = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Why = Literal["consent", "visit", "none"]


class PriceAsked(Sent):
    """A product of the customer's own store."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"sku": "HP-1", "scanned": True}]})

    sku: Sku
    scanned: bool = False
    """The customer stands before it and scanned its label: counted like a scan by the shop's scanner."""


class MyPrice(BaseModel):
    """A personal price and the code a till takes for it, or why there is none (`why`) and `price` is everybody's.

    `consent`: profile or personal prices are not allowed; `visit`: no visit goes on; `none`: no lower price today.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sku": "HP-1", "price": 17100, "public": 19900, "currency": "EUR", "personal": True, "why": None,
                    "disclosure": "This price was personalised for you by automated decision.",
                    "expires_at": "2026-03-02T12:02:00.000Z", "valid_s": 120, "code": "VQ1.eyJjdXJ.c2lnbg",
                }
            ]
        }
    )  # fmt: skip

    sku: str
    price: Minor
    public: Minor
    currency: str
    personal: bool
    why: Why | None
    disclosure: str | None
    expires_at: Utc | None
    valid_s: int
    """Seconds the page may count down, whatever the phone's own clock says."""
    code: str | None


class CallIn(Sent):
    """Where the customer stands: a zone of the shop, or the product they look at. Neither: somewhere in the shop."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"sku": "HP-1"}, {"zone": "headphones"}]})

    zone: Name | None = None
    sku: Sku | None = None


class ZoneName(BaseModel):
    """A place of the shop to choose from; `name` by language."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "audio", "name": {"en": "Audio", "ru": "Звук"}}]})

    id: str
    name: dict[str, str]


class CallOut(BaseModel):
    """`waiting`: somebody was told; `coming`: a consultant took the call; `none`: nobody was called."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "waiting", "zone": "headphones", "sku": None}]})

    state: Literal["none", "waiting", "coming"]
    zone: str | None = None
    sku: str | None = None


class EraseIn(Sent):
    """Typed on purpose: an erasure cannot be undone."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"confirm": "ERASE"}]})

    confirm: Literal["ERASE"]


class MyVisit(BaseModel):
    """One of the customer's own visits."""

    started_at: Utc
    ended_at: Utc | None
    method: str | None


class Looked(BaseModel):
    """Somebody looked at the customer's profile."""

    at: Utc
    reader: str
    place: str


class History(BaseModel):
    """What the shop remembers of the customer's visits, and who looked."""

    visits: list[MyVisit]
    looked: list[Looked]
