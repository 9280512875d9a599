"""The report: consultants, their sales, and the deeds behind every number."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.contribution.formula import Kind
from central.sent import Sent
from contract.values import Minor, Utc


class ConsultantOut(BaseModel):
    """One consultant in a period: what their shares add up to, and what they did."""

    consultant: str
    amount: Minor
    sales: int
    till: Minor
    site: Minor
    deeds: dict[Kind, int]


class ReportOut(BaseModel):
    """A store in a period. `sold` is everything its tills sold, and its customers' orders on the site."""

    start: Utc
    end: Utc
    currency: str
    sold: Minor
    other_currency: int
    """Sales in another currency than the store's: in no sum and not shared."""
    shared: Minor
    consultants: list[ConsultantOut]


class ReasonOut(BaseModel):
    """One deed behind a share. `age_days` is how long before the sale it was done."""

    kind: Kind
    at: Utc
    age_days: float
    sku: str | None
    points: float


class LineOut(BaseModel):
    """A part of one sale line."""

    channel: Literal["till", "site"]
    sale: str
    sku: str
    sold_at: Utc
    quantity: int
    price: Minor
    share: float
    amount: Minor
    formula: int | None
    reasons: list[ReasonOut]


class DeedOut(BaseModel):
    """Something a consultant did, and in how many sale lines it has earned points so far."""

    kind: Kind
    at: Utc
    sku: str | None
    lines: int


class DetailOut(BaseModel):
    """One consultant opened: every line and the deeds behind it; every deed, those that earned nothing as well."""

    consultant: str
    amount: Minor
    lines: list[LineOut]
    deeds: list[DeedOut]


class SoldOut(BaseModel):
    """A line of a sale: what it brought, and how much of it is shared among consultants."""

    channel: Literal["till", "site"]
    sale: str
    sku: str
    sold_at: Utc
    quantity: int
    total: Minor
    shared: Minor


class FormulaOut(BaseModel):
    """A formula and since when sales are shared by it; number null: the default one."""

    number: int | None
    text: str
    activated_by: str | None
    activated_at: Utc | None


class FormulaIn(Sent):
    """A formula as YAML text."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "version: 1\nweights: {suggested: 4, opinion: 2}\n"}]}
    )

    text: Annotated[str, Field(max_length=20_000)]
