"""Rules that people write as YAML: every mistake is reported with its line, unknown keys are refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)
MAX_TEXT = 256_000
"""Characters; a rule file is read by people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: `line` counts from 1, `path` names the field."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.line}: {self.path}: {self.message}" if self.path else f"{self.line}: {self.message}"


class RuleFileError(Exception):
    """The file cannot be used; `problems` says why, one line each."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{name}:{problem}" for problem in self.problems))


def load(text: str, model: type[Model], name: str = "rules.yaml") -> Model:
    """Text to a validated model. RuleFileError."""
    if len(text) > MAX_TEXT:
        raise RuleFileError(name, [Problem(1, "", f"longer than {MAX_TEXT} characters")])
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        repeated = list(_repeated(root, ()))
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RuleFileError(name, [_syntax(error)]) from None
    if repeated:
        raise RuleFileError(name, repeated)
    if not isinstance(body, dict):
        raise RuleFileError(name, [Problem(1, "", "expected keys with values (`rules:` ...)")])
    try:
        return model.model_validate(body)
    except ValidationError as error:
        problems = [_problem(root, item["loc"], item["type"], item["msg"]) for item in error.errors()]
        raise RuleFileError(name, problems) from None


def line_of(text: str, path: tuple[str | int, ...]) -> int:
    """Where a field stands, for checks beyond the model; the nearest parent's line when it is absent."""
    return _line(yaml.compose(text, Loader=yaml.SafeLoader), path)


def _syntax(error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return Problem(error.problem_mark.line + 1, "", f"not YAML: {error.problem}")
    return Problem(1, "", "not YAML")


def _problem(root: yaml.Node | None, path: tuple[str | int, ...], kind: str, message: str) -> Problem:
    if kind == "extra_forbidden":
        message = "unknown key"
    return Problem(_line(root, path), dotted(path), message.removeprefix("Value error, "))


def dotted(path: Iterable[str | int]) -> str:
    """`rules[2].give.share`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _line(node: yaml.Node | None, path: tuple[str | int, ...]) -> int:
    line = 1 if node is None else node.start_mark.line + 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                return line
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _repeated(node: yaml.Node | None, path: tuple[str | int, ...]) -> Iterable[Problem]:
    """YAML keeps the last of two equal keys without a word; a price rule must not vanish like that."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield Problem(key.start_mark.line + 1, dotted((*path, key.value)), "this key stands here twice")
            seen.add(key.value)
            yield from _repeated(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _repeated(value, (*path, index))
