"""Opinions, preferences and search, as programs see them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.catalogue.schemas import Availability
from central.sent import Sent
from contract.values import Minor, Name, Token, Utc

Rating = Annotated[int, Field(ge=-2, le=2)]
Direction = Literal["more", "less"]
Sku = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
ParameterName = Annotated[str, Field(min_length=1, max_length=80)]


class OpinionIn(BaseModel):
    """What somebody thought of a product they tried. `parameters`: -2 (much disliked) to 2 (much liked), by name.

    Names are those of the catalogue's parameters or of parameters.yaml (bass, weight, noise ...).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: Token
    store: Name
    visit: Token | None = None
    sku: Sku
    by: Annotated[str, Field(max_length=100, pattern=r"^(consultant:.+|customer)$")]
    liked: bool | None = None
    parameters: Annotated[dict[ParameterName, Rating], Field(max_length=30)] = {}
    note: Annotated[str, Field(max_length=1000)] = ""


class OpinionBody(Sent):
    """The same over HTTP: who wrote it down is whoever is signed in. `subject` may be left out by a customer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"store": "shop", "subject": "a" * 32, "visit": "v1", "sku": "HP-1", "liked": True,
                 "parameters": {"bass": 2, "weight": -1}, "note": "pinches a little"}
            ]
        },
    )  # fmt: skip

    store: Name
    subject: Token | None = None
    visit: Token | None = None
    sku: Sku
    liked: bool | None = None
    parameters: Annotated[dict[ParameterName, Rating], Field(max_length=30)] = {}
    note: Annotated[str, Field(max_length=1000)] = ""


class OpinionOut(BaseModel):
    """An opinion as it was written down."""

    id: int
    store: str
    visit: str | None
    sku: str
    by: str
    at: Utc
    liked: bool | None
    parameters: dict[str, int]
    note: str


class Tried(BaseModel):
    """A product somebody tried, with the last word on it from either side."""

    store: str
    sku: str
    last_at: Utc
    liked: bool | None
    parameters: dict[str, int]
    notes: list[str]
    visits: list[str]


class Taste(BaseModel):
    """How much one parameter matters to somebody. `weight` in units of liking for one standard deviation more of it.

    `sure`: probability that the sign of the weight is right. `learned`: from the person's own opinions, else expected
    of people like them.
    """

    parameter: str
    weight: float
    sd: float
    sure: float
    learned: bool


class CategoryTaste(BaseModel):
    """Tastes in one category, the surest first."""

    category: str
    opinions: int
    tastes: list[Taste]


class Preferences(BaseModel):
    """The preference model of one person, open to reading."""

    subject: str
    opinions: int
    categories: list[CategoryTaste]
    updated_at: Utc | None


class Than(Sent):
    """What a condition compares with: a product, or a value in a unit. Neither: with what was tried last."""

    model_config = ConfigDict(extra="forbid")

    sku: Sku | None = None
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    unit: Annotated[str, Field(max_length=30)] | None = None


class Condition(Sent):
    """`parameter` `direction` `than`; `or_equal` lets the same value pass."""

    model_config = ConfigDict(extra="forbid")

    parameter: ParameterName
    direction: Direction
    than: Than | None = None
    or_equal: bool = False


class Query(Sent):
    """A search in structure: what the text is understood as, and what may be sent instead of a text."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "conditions": [
                        {"parameter": "weight", "direction": "less", "than": {"sku": "HP-1"}},
                        {"parameter": "bass", "direction": "more", "than": {"sku": "HP-2"}},
                    ],
                    "price_max": 1000000,
                }
            ]
        },
    )

    conditions: Annotated[list[Condition], Field(max_length=20)] = []
    price_min: Minor | None = None
    price_max: Minor | None = None
    category: Annotated[str, Field(max_length=200)] | None = None
    brands: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=20)] = []
    flags: Annotated[dict[ParameterName, bool], Field(max_length=20)] = {}
    """Yes/no parameters that must be so."""
    here: bool = False
    """Only what this store has on its shelf."""


class Suggestion(BaseModel):
    """One answer. `score`: expected liking (0 without a profile); `sd`: how unsure. `reasons` in the language asked."""

    sku: str
    title: str
    price: Minor
    currency: str
    score: float
    sd: float
    exact: bool
    """False: it misses something that was asked; `reasons` says what."""
    reasons: list[str]
    availability: Availability
    page: str | None = None


class SearchIn(Sent):
    """`text` or `query`. `subject`: whose taste ranks the results (their consent to a profile is needed)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"store": "shop", "text": "lighter than HP-1, more bass than HP-2, under 10,000", "language": "en"},
                {"store": "shop", "text": "легче чем HP-1, больше баса чем HP-2, до 10 000", "language": "ru"},
            ]
        },
    )

    store: Name
    text: Annotated[str, Field(max_length=400)] | None = None
    query: Query | None = None
    subject: Token | None = None
    language: Literal["en", "ru"] = "en"
    limit: Annotated[int, Field(ge=1, le=50)] = 10


class SearchOut(BaseModel):
    """What was understood, what was not, and what was found. `personal`: whether somebody's taste ranked it."""

    query: Query
    understood: list[str]
    unknown: list[str]
    """Words of the text that mean nothing to us here: they had no influence."""
    notes: list[str]
    personal: bool
    suggestions: list[Suggestion]


class Choice(BaseModel):
    """A parameter to rate: `name` to send, `label` to show."""

    name: str
    label: str
