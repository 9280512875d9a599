"""Stores and their plan, as pages and programs see them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.sent import Sent
from contract.values import Fraction, Minor, Point, Utc


class ZoneOut(BaseModel):
    """A zone on the plan; `name` by language."""

    id: str
    name: dict[str, str]
    polygon: list[Point]


class LineOut(BaseModel):
    """An entrance line."""

    id: str
    start: Point
    end: Point


class CameraOut(BaseModel):
    """Where a camera hangs."""

    id: str
    node: str
    position: Point | None = None


class PlanOut(BaseModel):
    """Size of the plan in metres; `svg` is the address of a drawing or null."""

    width_m: float
    height_m: float
    svg: str | None = None


class LabelPlace(BaseModel):
    """Where a label hangs and what it stands for."""

    id: str
    node: str
    zone: str | None
    sku: str
    width_px: int
    height_px: int
    position: Point | None


class StoreName(BaseModel):
    """Enough to choose a store."""

    id: str
    name: str


class StoreOut(StoreName):
    """A store with its plan."""

    region: str
    currency: str
    language: str
    timezone: str
    plan: PlanOut
    zones: list[ZoneOut]
    lines: list[LineOut]
    cameras: list[CameraOut]
    labels: list[LabelPlace]


class ParameterOut(BaseModel):
    """`value` in a kept unit (g, mm, Hz, dB, h ...); `text` as the retailer wrote it."""

    value: float | bool | str
    unit: str | None
    text: str


class Elsewhere(BaseModel):
    """Another shop of the retailer that has some; `quantity` null: nobody said how many."""

    outlet: str
    quantity: int | None


class Availability(BaseModel):
    """Where a product can be had. `here`: pieces in this store, null when some are but nobody counted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"status": "delivery", "here": 0, "delivery_at": "2026-03-05", "online": False, "elsewhere": []}
            ]
        }
    )

    status: Literal["here", "delivery", "elsewhere", "online", "none"]
    here: int | None
    delivery_at: date | None
    """The day by which it can be brought."""
    online: bool
    """Sold online only."""
    elsewhere: list[Elsewhere]


class RatingOut(BaseModel):
    """What customers of the site think of a product: the mean of 1 to 5, and how many said so."""

    mean: float
    count: int


class ReviewOut(BaseModel):
    """A review as it was written on the retailer's site; by whom is not kept."""

    model_config = ConfigDict(from_attributes=True)

    rating: float
    at: Utc
    title: str
    text: str
    pros: list[str]
    cons: list[str]


class ProductOut(BaseModel):
    """A product with its public price now; texts by language."""

    store: str
    sku: str
    gtin: str | None
    title: dict[str, str]
    subtitle: dict[str, str]
    brand: str | None
    category: str | None
    model: str | None
    page: str | None
    pictures: list[str]
    price: Minor
    old_price: Minor | None
    lowest_30_days: Minor | None = None
    currency: str
    parameters: dict[str, ParameterOut]
    availability: Availability
    rating: RatingOut | None = None
    """Only where one product is asked for; null: nobody reviewed it."""


class PricePoint(BaseModel):
    """The public price from a moment on."""

    price: Minor
    from_at: Utc


class FeedError(BaseModel):
    """A row that was skipped, or a field of it that was left out."""

    line: int
    sku: str | None
    message: str


class FeedRunOut(BaseModel):
    """One reading of a feed. `refused`: nothing of it was taken in; `unchanged`: the server said so."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 7, "store": "shop", "feed": "main", "source": "post", "state": "ok",
                    "started_at": "2026-03-02T12:00:00.000Z", "finished_at": "2026-03-02T12:00:03.000Z",
                    "offers": 1200, "written": 14, "unchanged": 1185, "withdrawn": 2, "bad": 1, "message": "",
                    "errors": [{"line": 812, "sku": "HP-9", "message": "price: missing"}],
                }
            ]
        },
    )  # fmt: skip

    id: int
    store: str
    feed: str
    source: Literal["file", "post", "url"]
    state: Literal["ok", "refused", "failed", "unchanged"]
    started_at: Utc
    finished_at: Utc
    offers: int
    written: int
    unchanged: int
    withdrawn: int
    bad: int
    message: str
    errors: list[FeedError]


class FeedIn(Sent):
    """How a store's feed is fetched and judged. Without `url` it is only sent to us."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"format": "yml", "url": "https://shop.example/feed.yml", "every_minutes": 30, "delta": False}]
        },
    )

    format: Literal["yml", "google", "reviews"]
    url: Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s/\x00-\x1f]+[^\s\x00-\x1f]*$")] | None = None
    every_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = None
    delta: bool = False
    outlet: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    max_bad_share: Fraction = 0.1
    max_missing_share: Fraction = 0.5


class FeedOut(FeedIn):
    """A feed and how its last runs went, newest first."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, strict=False)

    store: str
    name: str
    next_at: Utc | None
    runs: list[FeedRunOut] = []
