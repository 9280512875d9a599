"""Cameras that count by themselves (ONVIF Profile M) and say so on the store's broker."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from edge.config.fields import Name, Section

_OURS = ("vitrina", "vitrina-local")


def _topic_filter(text: str) -> str:
    levels = text.split("/")
    if "\0" in text or any(mark in level and level != mark for level in levels for mark in "+#") or "#" in levels[:-1]:
        raise ValueError("is not an MQTT topic filter; + and # stand for whole levels, # only at the end")
    if levels[0] in ("+", "#", "") or levels[0].startswith("$"):
        raise ValueError("must begin with the camera's own topic prefix, so that it takes nothing else in")
    if levels[0] in _OURS:
        raise ValueError(f"{levels[0]}/ is Vitrina's own; give the camera another topic prefix")
    return text


class CountedLine(Section):
    """What a rule of the camera counts: one direction over one line."""

    line: Name
    direction: Literal["in", "out"]


class CounterConfig(Section):
    """One camera: the topic filter of its counters, and what each of its rules counts."""

    id: Name
    topic: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_topic_filter)]
    rules: dict[Annotated[str, Field(min_length=1, max_length=200)], CountedLine] = Field(min_length=1, max_length=20)
    rolls_over_at: int | None = Field(default=None, ge=100, le=2**63)
    """The count after which it begins again at 0, if it does (65536, say); else a lower count means a reset."""

    @model_validator(mode="after")
    def _one_rule_each(self) -> CounterConfig:
        counted = list(self.rules.values())
        twice = next((one for one in counted if counted.count(one) > 1), None)
        if twice is not None:
            raise ValueError(f"rules: two rules count {twice.line} {twice.direction}; everybody would count twice")
        return self
