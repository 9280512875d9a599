"""pydantic's errors as problems with a line and, for an unknown key, the key that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from edge.config.lines import Lined
from edge.config.problems import Path, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Schema = Mapping[str, object]


def problems_of(error: ValidationError, lined: Lined, model: type[BaseModel], file: str) -> list[Problem]:
    """Every error of the validation, once."""
    schema: Schema = model.model_json_schema()
    found: dict[tuple[Path, str], Problem] = {}
    for item in error.errors():
        path = _file_path(item["loc"], lined.data)
        message = _message(item, schema, path, lined.data)
        found.setdefault((path, message), Problem(path, lined.line(path), message, file))
    return list(found.values())


def _file_path(loc: Path, data: object) -> Path:
    """pydantic names the chosen member of a union in `loc`; the file has no such key, so it is left out."""
    path: Path = ()
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(data, Mapping) and isinstance(part, str):
            if part in data:
                data = data[part]
            elif not last or part == data.get("driver"):
                continue
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        path = (*path, part)
    return path


def _message(item: ErrorDetails, schema: Schema, path: Path, data: object) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), _keys_at(schema, path[:-1], data))
    if kind == "missing":
        return "this key is required"
    if kind == "union_tag_not_found":
        return "`driver` is required here"
    if kind == "union_tag_invalid":
        context = item.get("ctx", {})
        return f"driver {context.get('tag')!r} is unknown, choose one of {context.get('expected_tags')}"
    text = item["msg"].removeprefix("Value error, ")
    return text[0].lower() + text[1:]


def _unknown_key(key: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(key, allowed, 1, 0.6)
    if close:
        return f"unknown key, did you mean '{close[0]}'?"
    return f"unknown key; allowed here: {', '.join(sorted(allowed))}" if allowed else "unknown key"


def _keys_at(schema: Schema, path: Path, data: object) -> list[str]:
    node = _resolve(schema, schema, data)
    for part in path:
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        child = node.get("items") if isinstance(part, int) else _as_schema(node.get("properties")).get(str(part))
        node = _resolve(_as_schema(child), schema, data)
    return list(_as_schema(node.get("properties")))


def _resolve(node: Schema, root: Schema, data: object) -> Schema:
    """Follow `$ref`, take the non-null branch of an optional, and the branch the data's `driver` selects."""
    reference = node.get("$ref")
    if isinstance(reference, str):
        return _resolve(_as_schema(_as_schema(root.get("$defs")).get(reference.rsplit("/", 1)[1])), root, data)
    mapping = _as_schema(_as_schema(node.get("discriminator")).get("mapping"))
    if mapping and isinstance(data, Mapping):
        return _resolve({"$ref": mapping.get(str(data.get("driver")), "/")}, root, data)
    branches = node.get("anyOf")
    if isinstance(branches, list):
        solid = [branch for branch in map(_as_schema, branches) if branch.get("type") != "null"]
        return _resolve(solid[0], root, data) if solid else {}
    return node


def _as_schema(value: object) -> Schema:
    return value if isinstance(value, Mapping) else {}
