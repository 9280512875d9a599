"""The import file. Unknown keys are refused: a misspelt one would be silently ignored otherwise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.events import Purpose
from contract.values import Currency, Fraction, Minor, Name, Point, Sha256, Utc

Language = Literal["en", "ru"]


class Strict(BaseModel):
    """Base of everything in the file."""

    model_config = ConfigDict(extra="forbid")


class PlanIn(Strict):
    """Size of the plan in metres."""

    width_m: Annotated[float, Field(gt=0, le=10_000)]
    height_m: Annotated[float, Field(gt=0, le=10_000)]
    svg: Annotated[str, Field(max_length=200_000)] | None = None
    """A drawing under the plan: SVG text, or an address on this server."""


class ZoneIn(Strict):
    """A zone on the plan."""

    id: Name
    name: dict[Language, str]
    polygon: Annotated[list[Point], Field(min_length=3, max_length=64)]


class LineIn(Strict):
    """An entrance line."""

    id: Name
    start: Point
    end: Point


class CameraIn(Strict):
    """Where a camera hangs."""

    id: Name
    node: Name
    position: Point | None = None


class LabelIn(Strict):
    """Where a label hangs and what it stands for."""

    id: Name
    node: Name
    zone: Name | None = None
    sku: Annotated[str, Field(min_length=1, max_length=64)]
    width_px: Annotated[int, Field(ge=1, le=4000)] = 296
    height_px: Annotated[int, Field(ge=1, le=4000)] = 128
    position: Point | None = None


class StoreIn(Strict):
    """A shop."""

    id: Name
    name: Annotated[str, Field(min_length=1, max_length=120)]
    region: Annotated[str, Field(max_length=40)] = "EU"
    currency: Currency
    language: Language = "en"
    timezone: Annotated[str, Field(max_length=60)] = "UTC"
    plan: PlanIn
    zones: list[ZoneIn] = []
    lines: list[LineIn] = []
    cameras: list[CameraIn] = []
    labels: list[LabelIn] = []


class ProductIn(Strict):
    """What is sold, at its public price in minor units."""

    sku: Annotated[str, Field(min_length=1, max_length=64)]
    gtin: Annotated[str, Field(pattern=r"^\d{8,14}$")] | None = None
    title: dict[Language, str]
    subtitle: dict[Language, str] | str = ""
    price: Minor
    cost: Minor | None = None
    currency: Currency
    url: Annotated[str, Field(max_length=160)] = ""
    parameters: dict[str, str | int | float | bool] = {}


class ConsentIn(Strict):
    """A decision taken elsewhere."""

    purposes: dict[Purpose, bool]
    text_version: Annotated[str, Field(max_length=40)]
    text_sha256: Sha256
    channel: Annotated[str, Field(max_length=20)] = "import"
    at: Utc


class CustomerIn(Strict):
    """What the retailer knows of a customer."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    subject: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    language: Language = "en"
    interests: list[Annotated[str, Field(max_length=200)]] = []
    bonuses_minor: Minor = 0
    discount_share: Fraction = 0.0
    external_ids: dict[str, str] = {}
    consents: ConsentIn | None = None


class PricingIn(Strict):
    """Guard rails of personal prices."""

    max_discount_share: Fraction = 0.3
    max_bonus_share: Fraction = 0.3
    margin_floor_share: Annotated[float, Field(ge=0, le=10)] = 0.0
    quote_seconds: Annotated[float, Field(gt=0, le=3600)] = 120.0
    round_to_minor: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class ImportIn(Strict):
    """The whole file."""

    store: StoreIn
    products: list[ProductIn] = []
    customers: list[CustomerIn] = []
    pricing: PricingIn = PricingIn()
    disclosures: dict[Language, Annotated[str, Field(max_length=120)]] = {}
