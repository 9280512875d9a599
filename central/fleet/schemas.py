"""What pages and programs are told about nodes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from contract.state import Health, ModelCard, PolicyState
from contract.values import Utc


class NodeOut(BaseModel):
    """One node. `silent`: its connection stands but no health came for three periods."""

    store: str
    node: str
    state: Literal["online", "offline", "silent", "unknown"]
    session: str | None
    started_at: Utc | None
    version: str
    last_seen_at: Utc | None
    policy: PolicyState | None
    drivers: dict[str, str]
    models: tuple[ModelCard, ...]
    health: Health | None
    key_state: Literal["trusted", "changed", "none"]
    key_fingerprint: str | None
    high_water: int
    gallery_templates: int
