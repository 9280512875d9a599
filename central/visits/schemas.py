"""Visits as pages see them."""

from __future__ import annotations

from pydantic import BaseModel

from central.pricing.schemas import QuoteOut
from contract.values import Utc


class VisitOut(BaseModel):
    """One visit. `customer` is the name with the person's consent, "a guest" without, null when nobody is named."""

    id: str
    store: str
    node: str
    method: str | None
    stage: str | None
    outcome: str | None
    customer: str | None
    confidence: float | None
    started_at: Utc | None
    identified_at: Utc | None
    first_usable_at: Utc | None
    ended_at: Utc | None
    end_reason: str | None
    duration_s: float | None


class EvidenceOut(BaseModel):
    """One reported identification."""

    method: str
    device: str
    stage: str
    outcome: str
    confidence: float
    margin: float
    at: Utc


class StayOut(BaseModel):
    """One stay in a zone."""

    zone: str
    dwell_s: float
    left_at: Utc


class VisitDetail(VisitOut):
    """A visit with what it stands on and what followed from it."""

    evidence: list[EvidenceOut]
    stays: list[StayOut]
    quotes: list[QuoteOut]
