"""Events as they come in, and the interests and timeline that come out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.sent import SentTime
from contract.values import Utc

BarrierKind = Literal["delivery_time", "waits_for_discount", "price", "out_of_stock"]


class Weighted(BaseModel):
    """A name and how much of the attention of the last months it had, 0 to 1."""

    name: str
    weight: float


class Category(Weighted):
    """With when it was last looked at."""

    last_at: Utc


class FilterInForce(BaseModel):
    """A filter of the last list looked at in this category; a range has `min`, `max` or both."""

    category: str
    parameter: str
    values: list[str | int | float | bool] | None = None
    min: float | None = None
    max: float | None = None
    last_at: Utc


class PriceRange(BaseModel):
    """In minor units."""

    min: int | None
    max: int | None


class ViewedProduct(BaseModel):
    """How often, among the last views that are kept."""

    sku: str
    count: int
    last_at: Utc


class BasketLine(BaseModel):
    """Of a basket."""

    sku: str
    quantity: int


class AbandonedBasket(BaseModel):
    """What lies in the site's basket, not ordered; `at`: last touched."""

    lines: list[BasketLine]
    at: Utc


class Barrier(BaseModel):
    """What keeps them from buying; `evidence` says what they did."""

    kind: BarrierKind
    sku: str | None = None
    evidence: str
    last_at: Utc


class Interests(BaseModel):
    """What the site knows of a person, newest or heaviest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "categories": [{"name": "Headphones", "weight": 0.8, "last_at": "2026-03-02T11:58:00.000Z"}],
                "filters": [
                    {
                        "category": "Headphones",
                        "parameter": "price",
                        "values": None,
                        "min": None,
                        "max": 150.0,
                        "last_at": "2026-03-02T11:57:00.000Z",
                    }
                ],
                "price_range": {"min": None, "max": 15000},
                "sort": "price asc",
                "compared": [["HP-1", "HP-2"]],
                "favourites": ["HP-1"],
                "viewed": [{"sku": "HP-1", "count": 3, "last_at": "2026-03-02T11:58:00.000Z"}],
                "searches": ["light headphones"],
                "abandoned_basket": {"lines": [{"sku": "HP-1", "quantity": 1}], "at": "2026-03-02T11:59:00.000Z"},
                "brands": [{"name": "Acme", "weight": 1.0}],
                "promotions": ["spring"],
                "barriers": [
                    {
                        "kind": "delivery_time",
                        "sku": "HP-1",
                        "evidence": "looked at delivery: 5 days",
                        "last_at": "2026-03-02T11:59:30.000Z",
                    }
                ],
                "updated_at": "2026-03-02T11:59:30.000Z",
            }
        }
    )

    categories: list[Category] = []
    filters: list[FilterInForce] = []
    price_range: PriceRange | None = None
    sort: str | None = None
    compared: list[list[str]] = []
    favourites: list[str] = []
    viewed: list[ViewedProduct] = []
    searches: list[str] = []
    abandoned_basket: AbandonedBasket | None = None
    brands: list[Weighted] = []
    promotions: list[str] = []
    barriers: list[Barrier] = []
    updated_at: Utc | None = None


class TimelineEntry(BaseModel):
    """One event. `kind` is a name of the vocabulary, `Page`, `Identify`, or the source's own name."""

    id: int
    at: Utc
    kind: str
    source: str
    sku: str | None
    properties: dict[str, object]


class BatchIn(BaseModel):
    """Events of one source. Each is checked by itself: one bad event does not hold back the others."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "sentAt": "2026-03-02T12:00:01Z",
                "batch": [
                    {
                        "type": "track",
                        "event": "Product List Filtered",
                        "messageId": "5b2c7a1e-0001",
                        "anonymousId": "7e1f0c52-visitor",
                        "timestamp": "2026-03-02T12:00:00Z",
                        "properties": {
                            "category": "Headphones",
                            "filters": [{"type": "price", "value": {"max": 150}}, {"type": "anc", "value": "yes"}],
                            "sorts": [{"type": "price", "value": "asc"}],
                        },
                    }
                ],
            }
        },
    )

    batch: Annotated[list[dict[str, object]], Field(min_length=1, max_length=1000)]
    sentAt: SentTime | None = None  # noqa: N815 - the name of the specification


class EventProblem(BaseModel):
    """An event that was not taken, and which of its fields to mend."""

    index: int
    message_id: str | None
    field: str
    reason: str


class BatchOut(BaseModel):
    """What became of a batch; the numbers add up to its length. `withheld`: the person refused a profile."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accepted": 1,
                "duplicate": 0,
                "rejected": 1,
                "withheld": 0,
                "errors": [
                    {"index": 1, "message_id": "m-2", "field": "properties.sku", "reason": "Field required"},
                ],
            }
        }
    )

    accepted: int
    duplicate: int
    rejected: int
    withheld: int
    errors: list[EventProblem]


class QuarantineCount(BaseModel):
    """Why events of a source were refused, how often."""

    field: str
    reason: str
    count: int


class SourceOut(BaseModel):
    """How a source is doing."""

    source: str
    store: str
    accepted: int
    duplicate: int
    rejected: int
    withheld: int
    last_at: Utc
    quarantine: list[QuarantineCount]
