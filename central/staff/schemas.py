"""The session as pages and programs see it."""

from __future__ import annotations

from pydantic import BaseModel

from central.catalogue.schemas import StoreName


class SessionOut(BaseModel):
    """Who is logged in, and the token to send with changes."""

    name: str
    role: str
    store: str | None
    stores: list[StoreName]
    csrf: str
