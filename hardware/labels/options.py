"""Options of the label drivers (pydantic only)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, field_validator

from hardware.options import DriverOptions

Dither = Literal["none", "ordered", "burkes", "floyd-steinberg", "atkinson", "stucki", "sierra"]


class OpenEpaperLinkOptions(DriverOptions):
    """An OpenEPaperLink access point at `url` (http://HOST)."""

    driver: Literal["openepaperlink"] = "openepaperlink"
    url: str
    dither: Dither = "none"
    settle_s: PositiveFloat = 20.0
    """How long the access point may take to queue an accepted image before it is sent again."""
    give_up_s: PositiveFloat = 900.0
    max_resends: int = Field(default=3, ge=0)
    low_battery_mv: int = Field(default=2400, gt=0)
    request_timeout_s: PositiveFloat = 10.0
    silence_s: PositiveFloat = 20.0
    """The access point speaks every 5 s; a WebSocket silent for this long is taken for dead."""

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")) or len(url.split("://", 1)[1].strip("/")) == 0:
            raise ValueError("must look like http://HOST or http://HOST:PORT")
        return url.rstrip("/")


class SimulatedTag(DriverOptions):
    """One label of the in-process simulation."""

    driver: Literal["tag"] = "tag"
    address: str = Field(min_length=1)
    width: int = Field(default=296, gt=0)
    height: int = Field(default=128, gt=0)
    colours: tuple[Literal["black", "white", "red", "yellow"], ...] = ("black", "white", "red")
    battery_mv: int = 2950


class SimulatedLabelOptions(DriverOptions):
    """Labels in memory that show an image `confirm_s` after it was accepted."""

    driver: Literal["simulated"] = "simulated"
    tags: tuple[SimulatedTag, ...] = ()
    confirm_s: float = Field(default=1.0, ge=0)
    low_battery_mv: int = 2400


LabelOptions = Annotated[OpenEpaperLinkOptions | SimulatedLabelOptions, Field(discriminator="driver")]
"""Any label system, chosen by its `driver` key."""
