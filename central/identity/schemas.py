"""Links as staff see them. No identifier is ever readable: only its keyed hash is known."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.identity.rules import Kind
from central.sent import Sent
from contract.values import Utc

LinkState = Literal["live", "shared", "undone"]


class EvidenceOut(BaseModel):
    """One way in which the link was seen."""

    model_config = ConfigDict(from_attributes=True)

    what: str
    source: str
    who: str
    message: str | None
    first_at: Utc
    last_at: Utc


class LinkOut(BaseModel):
    """An identifier of a customer. `fingerprint`: eight characters of the hash, to tell two apart."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 7,
                "kind": "visitor",
                "fingerprint": "5f2a90c1",
                "state": "live",
                "customers": 1,
                "created_at": "2026-03-02T12:00:00.000Z",
                "undone_at": None,
                "undone_by": None,
                "evidence": [
                    {
                        "what": "signed-in event",
                        "source": "web",
                        "who": "site:web",
                        "message": "m-1",
                        "first_at": "2026-03-02T12:00:00.000Z",
                        "last_at": "2026-03-02T12:00:00.000Z",
                    }
                ],
            }
        }
    )

    id: int
    kind: Kind
    fingerprint: str
    state: LinkState
    customers: int
    """How many people used it, undone links left out."""
    created_at: Utc
    undone_at: Utc | None
    undone_by: str | None
    evidence: list[EvidenceOut]


class IdentityOut(BaseModel):
    """Everything a customer is known by."""

    customer: str
    links: list[LinkOut]


class UndoIn(Sent):
    """Why; kept in the evidence."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "the tablet of the shop"}})

    reason: Annotated[str, Field(min_length=3, max_length=60)]


class LinkIn(Sent):
    """An identifier staff saw with their own eyes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"kind": "loyalty", "value": "2200 1234 5678"}}
    )

    kind: Literal["loyalty", "email", "phone"]
    value: Annotated[str, Field(min_length=1, max_length=200)]
