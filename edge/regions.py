"""Region profiles from edge/policies: what each region's rules allow, and the words beside a personal price."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.config.vision import Mode

_FOLDER = "edge.policies"


class UnknownRegionError(ValueError):
    """No profile of that name; the message lists those there are."""


class RegionProfile(BaseModel):
    """`needs_document`: modes granted only under a signed site policy. `forbidden`: never granted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    default_mode: Mode
    needs_document: frozenset[Mode] = frozenset()
    forbidden: frozenset[Mode] = frozenset()
    basis: str = ""
    disclosure: dict[str, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _default_is_free(self) -> RegionProfile:
        if self.default_mode in self.needs_document | self.forbidden:
            raise ValueError("default_mode: must be granted without a document")
        if "qr_only" in self.needs_document | self.forbidden:
            raise ValueError("qr_only: is allowed everywhere")
        return self


@cache
def regions() -> tuple[str, ...]:
    """Names of all profiles."""
    names = (entry.name for entry in files(_FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def region_profile(name: str) -> RegionProfile:
    """The profile of a region; UnknownRegionError when there is none or its file is broken."""
    if name not in regions():
        raise UnknownRegionError(f"there is no region {name!r}; choose one of: {', '.join(regions())}")
    text = files(_FOLDER).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    try:
        return RegionProfile.model_validate(yaml.safe_load(text))
    except (ValidationError, yaml.YAMLError) as error:
        raise UnknownRegionError(f"edge/policies/{name}.yaml is broken: {error}") from None
