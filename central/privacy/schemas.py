"""What is said about rights: receipts of erasures, the audit."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from contract.values import Utc


class Receipt(BaseModel):
    """Certificate of an erasure. It names nobody; `signature` (Ed25519, base64) is central's over the other fields."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "number": "0f" * 16,
                "state": "done",
                "asked_at": "2026-03-02T12:00:00.000Z",
                "completed_at": "2026-03-02T12:00:01.000Z",
                "rows": {"customers": 1, "opinions": 3, "site_events": 412},
                "keys_destroyed": 2,
                "sha256": "5e" * 32,
                "signature": "c2lnbmF0dXJl",
            }
        }
    )

    number: str
    state: Literal["on its way", "done"]
    asked_at: Utc
    completed_at: Utc | None
    rows: dict[str, int]
    keys_destroyed: int
    sha256: str | None
    signature: str | None


class ExportOut(BaseModel):
    """Everything kept about one person: rows by table, sealed columns opened under `content`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "format": "vitrina-export/1",
                "made_at": "2026-03-02T12:00:00Z",
                "subject": "a" * 32,
                "customers": ["c1"],
                "tables": {"visits": [{"store": "shop", "id": "v1", "method": "qr"}]},
            }
        }
    )

    format: str
    made_at: str | None
    subject: str
    customers: list[str]
    tables: dict[str, list[dict[str, object]]]


class ReadOut(BaseModel):
    """Somebody looked at a profile. `customer` is null once the person was erased."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "number": 17,
                "reader": "staff:kim",
                "customer": "c1",
                "place": "alerts",
                "at": "2026-03-02T12:00:00.000Z",
            }
        }
    )

    number: int
    reader: str
    customer: str | None
    place: str
    at: Utc


class ChainsOut(BaseModel):
    """Whether the consents and the audit are as they were written: number of the first line that is not, or null."""

    model_config = ConfigDict(json_schema_extra={"example": {"consents": None, "reads": None}})

    consents: int | None
    reads: int | None
