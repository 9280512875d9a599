"""The description of the API: what every route answers beside its own responses, who may call it, examples of forms.

Routes document what is theirs; what holds for all of them (no session, wrong role, another store's object, input that
is not as described) is written here once, from the routes' own parameters.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

Node = dict[str, Any]
PUBLIC: Final = frozenset({"/health", "/login", "/api/v1/me/login", "/site/search", "/01/{gtin}"})
"""Anybody may ask; and the receipt of an erasure, for who has its number."""
LIMITED: Final = frozenset({"/login", "/api/v1/me/login", "/site/search", "/v1/events"})
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
    "401": "No session or token, or one that is over",
    "403": "Not with this role or token, or the CSRF token is missing or wrong",
    "404": "Not there, or another store's or customer's",
    "422": "Not as described here: `detail` names the field",
    "429": "Too often; wait",
    "503": "The database does not answer; try again",
}
_FORMS: Final = {"/login": {"name": "kim", "password": "correct horse", "next": "/arrivals"}}
_SAFE: Final = frozenset({"get", "head", "options"})


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
    found += [] if _public(path) else ["401", "403"]
    found += ["404"] if named and path not in {"/login", "/api/v1/me/login"} else []
    found += ["403", "401"] if path in {"/login", "/api/v1/me/login"} else []
    found += ["429"] if path in LIMITED else []
    return [*found, "503"] if path != "/health" else found


def _public(path: str) -> bool:
    return path in PUBLIC or path.startswith("/api/v1/erasures/")


def _who(path: str, method: str) -> list[Node]:
    cookie = "customer" if path.startswith("/api/v1/me") else "staff"
    staff: Node = {cookie: []} if method in _SAFE else {cookie: [], "forgery": []}
    if path.startswith("/v1/"):
        return [{"machine": []}]
    return [staff] if cookie == "customer" else [staff, {"machine": []}]
