"""Segment rules as they are read and written."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from central.sent import Sent
from contract.values import Utc


class SegmentsIn(Sent):
    """A rule file, as YAML text."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "version: 1\nsegments:\n  - id: core\n    any: [{purchases: {times: 3}}]\n"}]
        },
    )

    text: Annotated[str, Field(max_length=64_000)]


class SegmentsOut(BaseModel):
    """The rule file in force; `activated_at` null: the one that comes with Vitrina."""

    text: str
    activated_by: str | None
    activated_at: Utc | None


class CustomerSegmentsOut(BaseModel):
    """The segments of one customer at this moment."""

    customer: str
    segments: list[str]
