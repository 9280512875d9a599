"""Field types shared by the sections of the configuration."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contract.values import Metres, Name, Point


class Section(BaseModel):
    """Base of every section: immutable, unknown keys refused, values kept out of error texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)


def _key_32(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64; copy it from `python -m central keys`") from None
    if len(raw) != 32:
        raise ValueError(f"must be 32 bytes in base64, this is {len(raw)}; copy it from `python -m central keys`")
    return text


PublicKey = Annotated[str, AfterValidator(_key_32)]
"""A raw Ed25519 or X25519 public key, base64."""

Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
ImagePoint = tuple[Share, Share]
"""A place in a picture as fractions of its width and height, from the top left corner."""

ImagePolygon = Annotated[tuple[ImagePoint, ...], Field(min_length=3, max_length=64)]
PlanPolygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=64)]
Rate = Annotated[float, Field(gt=0.0, le=60.0, allow_inf_nan=False)]
Duration = Annotated[float, Field(ge=0.0, le=86_400.0, allow_inf_nan=False)]
Row = tuple[
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
]
Matrix = tuple[Row, Row, Row]
"""3x3, row by row."""

__all__ = [
    "Duration",
    "ImagePoint",
    "ImagePolygon",
    "Matrix",
    "Metres",
    "Name",
    "PlanPolygon",
    "Point",
    "PublicKey",
    "Rate",
    "Section",
    "Share",
]
