"""The truth file of `evaluate-entrance`: who is enrolled, and who came into view when and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.errors import NodeError
from models.evaluation.entrance import Appearance, Sighting

FORMAT = """\
the truth file (YAML or JSON; seconds count from the first frame):

  people:                      # who is enrolled, and from which pictures or folders (relative to this file)
    anna: [photos/anna]
    ben: [photos/ben-1.jpg, photos/ben-2.jpg]
  appearances:                 # everyone who comes into view, once for each time
    - person: anna             # one of people; left out: a stranger
      start_s: 1.0             # in view from
      end_s: 7.5               # to
      usable_s: 2.1            # first face good enough to know somebody by; left out: never
      path: [[1.0, 0.48, 0.41], [1.5, 0.47, 0.40]]
                               # optional: second, x, y of the middle of the face in fractions of the picture;
                               # give it when several people are in view at once, or they are told apart by time only

Photographs and templates stay in memory; the report holds counts only.
"""

Second = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=-0.5, le=1.5, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TruthAppearance(_Part):
    """One person once in view."""

    person: str | None = None
    start_s: Second
    end_s: Second
    usable_s: Second | None = None
    path: tuple[tuple[Second, Share, Share], ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError("end_s must be after start_s")
        return self

    def appearance(self) -> Appearance:
        """As the scoring takes it."""
        path = tuple(Sighting(*point) for point in self.path)
        return Appearance(self.person, self.start_s, self.end_s, self.usable_s, path)


class Truth(_Part):
    """The file."""

    people: dict[str, tuple[Path, ...]] = Field(default_factory=dict)
    appearances: tuple[TruthAppearance, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> Self:
        for number, one in enumerate(self.appearances):
            if one.person is not None and one.person not in self.people:
                raise ValueError(f"appearances[{number}].person: {one.person!r} is not among people")
        return self


def read_truth(path: Path) -> Truth:
    """With photographs' paths made absolute. NodeError names the field and what is wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NodeError(f"--truth: {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NodeError(f"--truth: {path}: not YAML: {str(error).splitlines()[0]}") from None
    try:
        truth = Truth.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "content"
        raise NodeError(f"--truth: {path}: {where}: {first['msg']}; see `evaluate-entrance --help`") from None
    folder = path.resolve().parent
    people = {name: tuple(folder / photo for photo in photos) for name, photos in truth.people.items()}
    return truth.model_copy(update={"people": people})
