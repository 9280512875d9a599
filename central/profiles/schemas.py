"""Customers, and their own page."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from central.sent import Sent
from contract.events import Purpose
from contract.values import Base64, Sha256, Utc


class ProfileData(BaseModel):
    """What is sealed in a customer's row."""

    name: str
    interests: list[str] = []
    external_ids: dict[str, str] = {}


class CustomerName(BaseModel):
    """Enough to greet."""

    id: str
    name: str
    language: str


class CustomerOut(CustomerName):
    """The profile. Interests and money fields are empty without consent to a profile."""

    subject: str
    interests: list[str]
    bonuses_minor: int
    discount_share: float
    consents: dict[str, bool]


class CodeOut(BaseModel):
    """A one-time code for the customer's page."""

    code: str
    expires_at: Utc


class CodeIn(Sent):
    """The code as typed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "7KQ2M9XA"}]})

    code: Annotated[str, Field(min_length=4, max_length=64)]


class CodeAsked(Sent):
    """The e-mail address or phone number the shop knows of the customer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"to": "anna@mail.example"}]})

    to: Annotated[str, Field(min_length=5, max_length=200)]


class MeOut(BaseModel):
    """The customer's own page."""

    customer: CustomerName
    csrf: str


class PhoneKeyIn(Sent):
    """The public half of a key the phone made and does not let go of (P-256)."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"public_key": "AmsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW"}]}
    )

    public_key: Annotated[Base64, Field(min_length=44, max_length=200)]


class CertificateOut(BaseModel):
    """Central's word for that key; goes into the check-in code."""

    certificate: str
    not_after: Utc


class ConsentText(BaseModel):
    """The text in force, by language."""

    version: str
    sha256: str
    text: dict[str, str]


class ConsentsOut(BaseModel):
    """What applies now, and the text a new decision is about."""

    purposes: dict[Purpose, bool]
    text_version: str | None
    at: Utc | None
    current_text: ConsentText


class ConsentsIn(Sent):
    """A decision about every purpose; those left out are refused."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "purposes": {
                        "identify": True,
                        "profile": True,
                        "personal_price": False,
                        "consultant_alert": True,
                        "analytics": False,
                    },
                    "text_version": "2026-1",
                    "text_sha256": "0" * 64,
                }
            ]
        },
    )

    purposes: dict[Purpose, bool]
    text_version: Annotated[str, Field(max_length=40)]
    text_sha256: Sha256
