"""What the site gets, and how subscriptions look."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from central.predictions.schemas import Predictions
from central.preferences.schemas import Rating
from central.sent import Sent
from central.webhooks.changes import Kind
from contract.values import Minor, Name, Utc


class StayTold(BaseModel):
    """A stay before one zone."""

    zone: str
    title: dict[str, str]
    dwell_s: float


class TriedTold(BaseModel):
    """A model that was tried, and the opinion of it. What a consultant wrote in free words stays in the shop."""

    sku: str
    title: str
    liked: bool | None
    parameters: dict[str, Rating]
    at: Utc


class RecommendedTold(BaseModel):
    """A model that fits; `reasons` in the customer's language."""

    sku: str
    title: str
    price: Minor
    currency: str
    reasons: list[str]
    page: str | None = None


class QuoteTold(BaseModel):
    """A personal price the till still takes. `disclosure` must stand wherever it is shown (the region's law)."""

    quote: str
    sku: str
    title: str
    price: Minor
    public: Minor
    currency: str
    valid_until: Utc
    disclosure: str


class VisitTold(BaseModel):
    """One visit."""

    visit: str
    store: str
    started_at: Utc | None
    ended_at: Utc | None
    duration_s: float | None
    stays: list[StayTold]


class AfterVisit(BaseModel):
    """What is to be said after a visit."""

    tried: list[TriedTold] = []
    recommended: list[RecommendedTold] = []
    retargeting: list[str] = []
    """SKUs worth showing again: liked here or recommended, neither bought nor disliked."""
    quotes: list[QuoteTold] = []


class OfferTold(BaseModel):
    """A price rule that holds for the customer now (weather, region, day, segment), and for what."""

    rule: str
    title: dict[str, str]
    share: float | None
    amount: Minor | None
    skus: list[str]
    categories: list[str]
    brands: list[str]


class Summary(AfterVisit):
    """Everything the site may know of one customer. Without consent to a profile: `profile` false, the rest empty."""

    customer: str
    language: str
    profile: bool
    visits: list[VisitTold] = []
    segments: list[str] = []
    offers: list[OfferTold] = []
    predictions: Predictions = Predictions()


class ChangeOut(BaseModel):
    """One change, as a webhook carries it; `id` is its `webhook-id`."""

    id: str
    type: Kind
    timestamp: Utc
    customer: str
    data: dict[str, Any]


class ChangesOut(BaseModel):
    """A page of changes, oldest first. Ask again with `after` = `next`; `more`: at once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "changes": [
                        {"id": "msg_0f3a", "type": "segment.changed", "timestamp": "2026-03-02T12:00:00Z",
                         "customer": "c1", "data": {"before": [], "now": ["new", "active"]}}
                    ],
                    "next": "17",
                    "more": False,
                }
            ]
        }
    )  # fmt: skip

    changes: list[ChangeOut]
    next: str | None
    more: bool


class SubscriptionIn(Sent):
    """Where to tell what."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"store": "shop", "url": "https://www.example.com/hooks/vitrina", "kinds": ["visit.finished"]}]
        },
    )

    store: Name
    url: Annotated[str, Field(min_length=8, max_length=500, pattern=r"^https?://[^\s\x00-\x1f]+$")]
    kinds: Annotated[list[Kind], Field(max_length=20)] = []
    """Empty: everything."""


class SubscriptionOut(BaseModel):
    """A subscription and how it goes. `secret` only in the answer that made it."""

    id: str
    store: str
    url: str
    kinds: list[str]
    active: bool
    note: str
    created_by: str
    created_at: Utc
    waiting: int = 0
    dead: int = 0
    secret: str | None = None


class DeliveryOut(BaseModel):
    """One delivery; nothing of its content."""

    id: int
    message: str
    kind: str
    state: str
    attempts: int
    next_try_at: Utc
    tried_at: Utc | None
    status: int | None
    error: str | None


class MessageOut(BaseModel):
    """What to write to a customer after a visit."""

    customer: str
    language: str
    subject: str
    text: str
    html: str


class TemplateIn(Sent):
    """A message in one language, as Jinja templates; only names, loops, conditions and a few filters."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"store": "shop", "title": "Thank you from {{ shop }}", "text": "{{ tried | length }} models tried",
                 "html": "<p>{{ shop }}</p>"}
            ]
        },
    )  # fmt: skip

    store: Name
    title: Annotated[str, Field(min_length=1, max_length=300)]
    """The subject of the message."""
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    html: Annotated[str, Field(max_length=40_000)] = ""


class TemplateOut(BaseModel):
    """The templates in force; `saved_at` null: the ones that come with Vitrina."""

    store: str
    language: str
    title: str
    text: str
    html: str
    saved_by: str | None
    saved_at: Utc | None
