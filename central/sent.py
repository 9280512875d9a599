"""Bodies of requests mean what they say: 0 is not false, "5" is not 5, and a number is not a time."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from contract.values import Utc

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")


class Sent(BaseModel):
    """Base of what callers send as JSON, and of the models within it: types as described, no fields beyond."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _text(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _DAY.match(value)):
        return value
    raise ValueError("give a time as text, such as 2026-03-02T12:00:00Z")


SentTime = Annotated[Utc, Field(strict=False), BeforeValidator(_text, json_schema_input_type=AwareDatetime)]
"""A time in RFC 3339."""
