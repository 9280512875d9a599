"""The customer's rights on their own page: everything kept about them as a file, and an erasure."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from central.privacy import rights
from central.profiles.phone_schemas import EraseIn
from central.runtime import RuntimeDep
from central.staff.access import CUSTOMER_COOKIE, CustomerDep

rights_router = APIRouter(prefix="/api/v1/me", tags=["customer's own page"])
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Not signed in."},
    403: {"description": "The CSRF token is missing or wrong."},
}


class ExportOut(BaseModel):
    """Everything kept about the customer: rows by table, sealed columns opened."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "format": "vitrina-export/1",
                    "made_at": "2026-03-02T12:00:00.000Z",
                    "subject": "a" * 32,
                    "customers": ["c1"],
                    "tables": {"visits": [{"store": "shop", "id": "v1", "method": "qr"}]},
                }
            ]
        },
    )

    format: str
    tables: dict[str, list[dict[str, Any]]]


class ErasureOut(BaseModel):
    """The number of the receipt: whoever has it may read whether the erasure is complete."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "0f" * 16}]})

    number: str


@rights_router.get(
    "/export", summary="Everything kept about me", response_model=ExportOut, responses={401: _ERRORS[401]}
)
async def export(runtime: RuntimeDep, me: CustomerDep) -> Response:
    """As a file to save."""
    async with runtime.db.read() as session:
        whole = await rights.export(session, runtime.vault, runtime.keys, me.subject or "", runtime.clock.now())
    headers = {"Content-Disposition": 'attachment; filename="vitrina-my-data.json"', "Cache-Control": "no-store"}
    return JSONResponse(whole, headers=headers)


@rights_router.post("/erase", summary="Erase everything about me", response_model=ErasureOut, responses=_ERRORS)
async def erase(runtime: RuntimeDep, me: CustomerDep, body: EraseIn) -> Response:
    """It cannot be undone. Consent is taken back and this session ends at once, the rest follows by itself."""
    async with runtime.change() as effects:
        number = await rights.erase(effects, me.subject or "")
    response = JSONResponse({"number": number})
    response.delete_cookie(CUSTOMER_COOKIE)
    return response
