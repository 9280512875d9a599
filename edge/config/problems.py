"""What is wrong with a configuration, for the person who edits it."""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str | int, ...]


def written(path: Path) -> str:
    """`("cameras", 0, "source")` as `cameras[0].source`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where (key path and line of the file, 0 when unknown) and what to do."""

    path: Path
    line: int
    message: str
    file: str = "configuration"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = written(self.path)
        return f"{place}: {key}: {self.message}" if key else f"{place}: {self.message}"


class ConfigError(Exception):
    """The configuration can not be used; every problem found, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        super().__init__("\n".join(str(problem) for problem in self.problems))
