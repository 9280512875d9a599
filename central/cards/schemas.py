"""The card and what is done on it, as pages and programs see them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.alerts.schemas import Kind, Place
from central.alerts.schemas import State as AlertState
from central.baskets.schemas import BasketOut, Sku
from central.behaviour.schemas import Interests
from central.catalogue.schemas import Availability
from central.preferences.schemas import ParameterName, Rating, Suggestion
from central.sent import Sent
from contract.values import Minor, Name, Token, Utc

Why = Literal["basket", "favourite", "compared", "viewed"]
ArgumentKind = Literal["price", "speed", "stock", "parameter"]
Way = Literal["loyalty", "phone"]


class Visitor(BaseModel):
    """Who it is, as far as the person allowed; a guest has no id and nothing is known of them."""

    id: str | None
    name: str
    language: str | None
    guest: bool
    segments: list[str]


class Holder(BaseModel):
    """An arrival or a call of this visit, and who has taken it."""

    id: int
    kind: Kind
    state: AlertState
    claimed_by: str | None
    zone: Place | None
    sku: str | None


class ItemOut(BaseModel):
    """A product as it concerns this visitor. `personal`: the price promised to them, while the promise holds."""

    sku: str
    title: str
    price: Minor
    currency: str
    personal: Minor | None
    personal_until: Utc | None
    availability: Availability
    why: list[Why]


class RatingOut(BaseModel):
    """How a parameter was liked: -2 to 2."""

    name: str
    label: str
    rating: Rating


class TriedOut(BaseModel):
    """A product they tried, and what was said of it; `here`: in this visit."""

    sku: str
    title: str
    last_at: Utc
    liked: bool | None
    ratings: list[RatingOut]
    notes: list[str]
    here: bool


class Argument(BaseModel):
    """What matters to this buyer, why we think so, and what to say about it."""

    kind: ArgumentKind
    text: str
    evidence: list[str]


class BarrierOut(BaseModel):
    """What keeps them from buying."""

    kind: str
    text: str
    evidence: str
    sku: str | None


class EarlierVisit(BaseModel):
    """A visit before this one, in whatever shop."""

    id: str
    store: str
    at: Utc
    tried: list[str]


class Purchase(BaseModel):
    """What they bought."""

    at: Utc
    channel: Literal["till", "site"]
    titles: list[str]


class Recognised(BaseModel):
    """By whom, and by what, the visitor was recognised at the counter."""

    by: str
    method: Literal["loyalty", "staff"]
    at: Utc


class CardDetail(BaseModel):
    """Everything about one visit that a consultant needs, in one answer. Texts are in the language asked for."""

    visit: str
    store: str
    method: str | None
    stage: str | None
    confidence: float | None
    started_at: Utc
    ended_at: Utc | None
    live: bool
    visitor: Visitor
    nobody: bool = False
    """The visit names nobody (any more): whoever it is may be recognised by card or phone."""
    zone: Place | None
    """Where they stand now, if the cameras are sure."""
    arrival: Holder | None
    call: Holder | None
    recognised: Recognised | None
    lines: list[str]
    """Why they came, in short lines."""
    interests: Interests
    items: list[ItemOut]
    """The products they looked at, and why each is here."""
    arguments: list[Argument]
    barriers: list[BarrierOut]
    likes: list[str]
    tried: list[TriedOut]
    suggestions: list[Suggestion]
    basket: BasketOut | None
    purchases: list[Purchase]
    earlier: list[EarlierVisit]


class OpinionBody(Sent):
    """What they thought of a product; told in parts, it is one opinion of this visit."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"sku": "HP-1", "liked": True, "parameters": {"bass": 2}, "note": ""}]},
    )

    sku: Sku
    liked: bool | None = None
    parameters: Annotated[dict[ParameterName, Rating], Field(max_length=30)] = {}
    note: Annotated[str, Field(max_length=1000)] = ""


class SuggestedBody(Sent):
    """A product the consultant puts before the customer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"sku": "HP-2"}]})

    sku: Sku


class HandOverBody(Sent):
    """To which colleague."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"to": "marina"}]})

    to: Annotated[str, Field(min_length=1, max_length=80)]


class AuthoriseBody(Sent):
    """Recognise the customer in front of the consultant by what they showed. `confirmed` must be true: they agreed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"store": "shop", "by": "loyalty", "value": "2000 0000 1", "confirmed": True}]},
    )

    store: Name
    by: Way
    value: Annotated[str, Field(min_length=3, max_length=64)]
    confirmed: Literal[True]
    visit: Token | None = None
    """A visit that goes on without a name; none: they came in unnoticed."""


class AuthorisedOut(BaseModel):
    """The visit whose card to open."""

    visit: str


class Compared(BaseModel):
    """One of the products side by side."""

    sku: str
    title: str
    price: Minor
    personal: Minor | None
    currency: str
    availability: Availability
    page: str | None
    picture: str | None


class Row(BaseModel):
    """A parameter across the products: texts with their units (null: not told), and whether they differ."""

    name: str
    label: str
    values: list[str | None]
    differs: bool
    most: list[bool]
    """Which has the highest figure; all false where it is no figure or the same for all."""


class CompareOut(BaseModel):
    """At most four products."""

    products: list[Compared]
    rows: list[Row]
