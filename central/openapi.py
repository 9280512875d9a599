"""The description of the API: what every route answers beside its own responses, who may call it, examples.

Routes document what is theirs; what holds for all of them (no session, wrong role, another store's object, input that
is not as described) is written here once, from the routes' own parameters. Examples of answers were recorded
(tests/security/record_examples.py).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

Node = dict[str, Any]
PUBLIC: Final = frozenset(
    {"/health", "/login", "/api/v1/me/login", "/api/v1/me/login-code", "/site/search", "/01/{gtin}"}
)
"""Anybody may ask; and the receipt of an erasure, for who has its number."""
LIMITED: Final = frozenset({"/login", "/api/v1/me/login", "/api/v1/me/login-code", "/site/search", "/v1/events"})
_PROBLEM: Final[Node] = {
    "title": "Problem",
    "description": "One clear line, or for each field that is wrong where and why.",
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/components/schemas/ValidationError"}}]
        }
    },
    "example": {"detail": "there is no store 'shop'"},
}
_SCHEMES: Final[Node] = {
    "staff": {"type": "apiKey", "in": "cookie", "name": "vitrina_session"},
    "customer": {"type": "apiKey", "in": "cookie", "name": "vitrina_me"},
    "forgery": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    "machine": {"type": "http", "scheme": "bearer"},
}
_TEXTS: Final = {
    "400": "The body is not in the form it says it is",
    "401": "No session or token, or one that is over",
    "403": "Not with this role or token, or the CSRF token is missing or wrong",
    "404": "Not there, or another store's or customer's",
    "422": "Not as described here: `detail` names the field",
    "429": "Too often; wait",
    "503": "The database does not answer; try again",
}
_FORMS: Final = {"/login": {"name": "kim", "password": "correct horse", "next": "/arrivals"}}
_SAFE: Final = frozenset({"get", "head", "options"})
EXAMPLES_FILE: Final = Path(__file__).with_name("openapi_examples.json")
_TEXT: Final[Node] = {"schema": {"type": "string"}}
SVG: Final[dict[int | str, Node]] = {200: {"description": "A drawing", "content": {"image/svg+xml": _TEXT}}}
"""`responses` of a route that answers a drawing."""
_PARAMETERS: Final[Node] = {
    "store": "shop", "sku": "HP-1", "gtin": "4006381333931", "label": "label-1", "node": "node-1", "name": "main",
    "visit": "7f3c9a51e0b24d6d8a9c1e5b7d2f4a60", "subject": "a" * 32, "customer": "c1", "customer_id": "c1",
    "number": "0f" * 16, "subscription": "5e" * 16, "delivery": 42, "alert_id": 17, "link_id": 5, "line": 12,
    "consultant": "kim", "language": "en", "lang": "en", "q": "lighter than HP-1, under 100", "what": "footfall",
    "from": "2026-03-01T00:00:00Z", "to": "2026-03-08T00:00:00Z",
}  # fmt: skip
"""What paths and queries name, the same everywhere."""


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Recorded answers: operation ("GET /health") -> status and medium ("200 application/json") -> what it said."""
    found: dict[str, dict[str, Any]] = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    return found


def describe(app: FastAPI) -> Node:
    """OpenAPI of all documented routes."""
    whole: Node = app.openapi()
    if "Problem" in whole["components"]["schemas"]:
        return whole
    whole["components"]["schemas"]["Problem"] = _PROBLEM
    whole["components"]["securitySchemes"] = dict(_SCHEMES)
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    return whole


def _complete(path: str, method: str, operation: Node) -> None:
    responses: Node = operation["responses"]
    for status in _also(path, operation):
        responses.setdefault(status, {"description": _TEXTS[status]})
    for status, response in responses.items():
        if status in {"204", "303"}:
            response.pop("content", None)
        elif status in _TEXTS or status in {"409", "413"}:
            own = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
            if status == "422" or not own:
                response["content"] = _problem_beside(response.get("content", {}), own)
    if not _public(path):
        operation.setdefault("security", _who(path, method))
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if path in _FORMS and media == "application/x-www-form-urlencoded":
            content["example"] = _FORMS[path]
    _illustrate(f"{method.upper()} {path}", operation)


def _illustrate(name: str, operation: Node) -> None:
    for parameter in operation.get("parameters", ()):
        said = {"example", "examples"} & ({*parameter} | {*parameter["schema"]})
        if not said and parameter["name"] in _PARAMETERS:
            value = _PARAMETERS[parameter["name"]]
            parameter["example"] = [value] if parameter["schema"].get("type") == "array" else value
    recorded = examples().get(name, {})
    for status, response in operation["responses"].items():
        for media, content in response.get("content", {}).items():
            example = recorded.get(f"{status} {media}")
            if example is not None and not {"example", "examples"} & {*content}:
                content["example"] = example


def _problem_beside(content: Node, own: str) -> Node:
    """A route may answer 422 with a model of its own (a feed refused, and why); the usual one stays possible."""
    problem: Node = {"$ref": "#/components/schemas/Problem"}
    if own and not own.endswith("/HTTPValidationError"):
        problem = {"anyOf": [{"$ref": own}, problem]}
    return {**content, "application/json": {"schema": problem}}


def _also(path: str, operation: Node) -> list[str]:
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    named = "{" in path or "store" in names or "requestBody" in operation
    found = ["422"] if named or names else []
    found += ["400"] if "requestBody" in operation else []
    found += [] if _public(path) else ["401", "403"]
    found += ["404"] if named and path not in {"/login", "/api/v1/me/login"} else []
    found += ["403", "401"] if path in {"/login", "/api/v1/me/login"} else []
    found += ["429"] if path in LIMITED else []
    return [*found, "503"] if path != "/health" else found


def _public(path: str) -> bool:
    return path in PUBLIC or path.startswith("/api/v1/erasures/")


def _who(path: str, method: str) -> list[Node]:
    cookie = "customer" if path == "/api/v1/me" or path.startswith("/api/v1/me/") else "staff"
    staff: Node = {cookie: []} if method in _SAFE else {cookie: [], "forgery": []}
    if path.startswith("/v1/"):
        return [{"machine": []}]
    return [staff] if cookie == "customer" else [staff, {"machine": []}]
