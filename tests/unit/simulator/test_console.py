"""What the demo prints: addresses that exist."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from fastapi import FastAPI
from starlette.routing import Match

from central.app import create_app
from central.settings import Settings
from simulator.cast import load_cast
from simulator.console import addresses
from simulator.shop import Shop

URL = "http://127.0.0.1:8080"


def served(app: FastAPI, path: str) -> bool:
    """Whether some route answers GET of it."""
    asked = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return any(route.matches(asked)[0] is Match.FULL for route in app.routes)


def test_every_page_the_demo_names_is_there(tmp_path: Path) -> None:
    staff = {role: SimpleNamespace(name=role, password="word") for role in ("consultant", "manager", "admin")}
    labels = SimpleNamespace(url="http://127.0.0.1:9", tags={"AA": None})
    text = addresses(cast(Shop, SimpleNamespace(url=URL, staff=staff, labels=labels, cast=load_cast())))
    named = re.findall(rf"{URL}(/\S*)", text)
    app = create_app(Settings(tmp_path))
    assert set(named) >= {"/arrivals", "/analytics", "/me", "/codes"}
    assert [path for path in named if not served(app, path)] == []
    assert not served(app, "/docs")
    assert "clara" in text
