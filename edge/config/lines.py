"""YAML text to plain values plus the line of every key (PyYAML keeps it on the nodes, its loader drops it)."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from edge.config.problems import ConfigError, Path, Problem

Value = object
_DEEPEST = 20


@dataclass(slots=True)
class Lined:
    """Parsed data and the line (from 1) where each path stands."""

    data: Value
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Line of the path, or of the nearest part above it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def parse(text: str, file: str) -> Lined:
    """Parse one document. ConfigError for broken YAML, a key given twice, or no mapping at the top."""
    try:
        return _parsed(yaml.SafeLoader(text), file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise ConfigError([Problem((), line, f"not YAML: {error.problem or error.context}", file)]) from None
    except yaml.YAMLError as error:
        raise ConfigError([Problem((), 0, f"not YAML: {error}", file)]) from None
    except RecursionError:
        raise ConfigError([Problem((), 0, "not YAML: nested too deeply", file)]) from None


def _parsed(loader: yaml.SafeLoader, file: str) -> Lined:
    try:
        node = loader.get_single_node()
        if not isinstance(node, MappingNode):
            raise ConfigError([Problem((), 1, "the file must be a mapping (key: value)", file)])
        lines: dict[Path, int] = {(): 1}
        problems: list[Problem] = []
        _walk(node, (), lines, problems, file)
        if problems:
            raise ConfigError(problems)
        return Lined(loader.construct_document(node), lines)
    finally:
        loader.dispose()


def _walk(node: Node, path: Path, lines: dict[Path, int], problems: list[Problem], file: str) -> None:
    if len(path) > _DEEPEST:  # an alias that contains itself
        raise ConfigError([Problem(path[:3], lines.get(path[:3], 0), "nested too deeply", file)])
    if isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = key.value if isinstance(key, ScalarNode) else "?"
            if name in seen:
                problems.append(Problem((*path, name), line, "this key is given twice", file))
            seen.add(name)
            lines[(*path, name)] = line
            _walk(value, (*path, name), lines, problems, file)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*path, index)] = item.start_mark.line + 1
            _walk(item, (*path, index), lines, problems, file)
