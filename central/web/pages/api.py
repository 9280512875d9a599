"""The description of the API as a page: nothing but HTML, so that it reads without a network and on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from central.openapi import Node, describe
from central.web import errors
from central.web.page import PageDep

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Said:
    """A body or an answer: what it is called, what it means, how it looks."""

    name: str
    meaning: str
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask for."""

    method: str
    path: str
    summary: str
    meaning: str
    who: tuple[str, ...]
    parameters: tuple[tuple[str, bool, str, str], ...]
    """(name, whether it must be given, example, meaning)."""
    body: tuple[Said, ...]
    answers: tuple[Said, ...]
    refusals: tuple[Said, ...]


@router.get("/system/api")
async def show(page: PageDep) -> Response:
    """Every operation by what it is about."""
    gone = errors.not_installed(page.request)
    if gone is not None:
        return gone
    groups: dict[str, list[Operation]] = {}
    for tag, operation in operations(describe(page.request.app)):
        groups.setdefault(tag, []).append(operation)
    return page.show("api.html", {"groups": groups, "count": sum(map(len, groups.values()))})


def operations(whole: Node) -> Iterator[tuple[str, Operation]]:
    """(tag, operation), in the order of the description."""
    for path, methods in whole["paths"].items():
        for method, node in methods.items():
            yield node["tags"][0], _operation(whole, path, method, node)


def _operation(whole: Node, path: str, method: str, node: Node) -> Operation:
    parameters = tuple(
        (one["name"], bool(one.get("required")), _shown(whole, one), one.get("description", ""))
        for one in node.get("parameters", ())
    )
    said = [
        (status, Said(status, answer["description"], _shown(whole, content)))
        for status, answer in sorted(node["responses"].items())
        for content in list(answer.get("content", {}).values())[:1] or [{}]
    ]
    return Operation(
        method=method.upper(),
        path=path,
        summary=node["summary"],
        meaning=node["description"],
        who=tuple(dict.fromkeys(name for way in node.get("security", ()) for name in way if name != "forgery")),
        parameters=parameters,
        body=tuple(
            Said(media, "", _shown(whole, content))
            for media, content in node.get("requestBody", {}).get("content", {}).items()
        ),
        answers=tuple(one for status, one in said if status < "4"),
        refusals=tuple(one for status, one in said if status >= "4"),
    )


def _shown(whole: Node, content: Node) -> str:
    """The first example, as it is written on the wire."""
    schema = content.get("schema", {})
    while "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    named = content.get("examples", {})
    given: list[Any] = [content["example"]] if "example" in content else []
    given += [one["value"] for one in named.values()] if isinstance(named, dict) else list(named)
    given += [*schema.get("examples", ()), *(schema[name] for name in ("example",) if name in schema)]
    if not given:
        return ""
    return given[0] if isinstance(given[0], str) else json.dumps(given[0], indent=2, ensure_ascii=False)
