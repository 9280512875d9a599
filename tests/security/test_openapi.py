"""The description of the API is complete, and what is fuzzed from it neither breaks nor surprises (PRIVACY S8).

`VITRINA_FUZZ=200 pytest tests/security/test_openapi.py` fuzzes for long: examples per operation (usually a few).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from central.app import create_app, open_runtime
from central.openapi import describe
from central.settings import Settings
from contract.clock import ManualClock
from tests.conftest import RecordingBus, Shop, shop_document
from tests.security.test_object_authorisation import OBJECTS, PERIOD
from tests.security.world import World, live, opened

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install -e .[dev]")
EXAMPLES = int(os.environ.get("VITRINA_FUZZ", "4"))
ENDLESS = {"/api/v1/alerts/stream"}
TAKES_ALL = ("/erase", "/logout")
"""Would end the session the rest is fuzzed with; asked with good and bad input by tests of their own."""


def _description() -> dict[str, Any]:
    return describe(create_app(Settings(data=Path("unused")), ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), bus=False))


WHOLE = _description()
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method.upper()} {path}")
    for path, methods in WHOLE["paths"].items()
    for method, operation in methods.items()
]


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = WHOLE["components"]["schemas"][node["$ref"].rpartition("/")[2]]
    return node


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation.get("summary"), "summary="
    assert operation.get("tags"), "tags="
    assert operation.get("description"), "a docstring says what people need to know"
    answers = operation["responses"]
    for status, answer in answers.items():
        assert answer.get("description")
        for media, content in answer.get("content", {}).items():
            assert media != "application/json" or content.get("schema"), f"{status}: a response model"
    assert path == "/health" or "503" in answers
    public = not operation.get("security")
    assert public or {"401", "403"} <= set(answers)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _resolved(content.get("schema", {}))
        shown = {"example", "examples"} & ({*content} | {*schema})
        assert shown or schema.get("format") == "binary", (
            "an example of the body: json_schema_extra={'examples': [...]}"
        )


class _Fuzzed:
    """The world in a loop of its own: Hypothesis asks synchronously."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ready, self._over = folder, threading.Event(), asyncio.Event()
        self.loop = asyncio.new_event_loop()
        self.clients: dict[str, httpx.AsyncClient] = {}
        self.world: World | None = None
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.loop.run_until_complete(self._live())

    async def _live(self) -> None:
        clock = ManualClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
        runtime = await open_runtime(Settings(data=self._folder), clock)
        bus = RecordingBus()
        runtime.bus = bus  # type: ignore[assignment]
        try:
            async with opened(Shop(runtime, bus, clock), shop_document_of) as world:
                await live(world)
                self.world = world
                self.clients = {
                    "staff": await world.staff("admin", None), "consultant": await world.staff("consultant", "other"),
                    "customer": await world.customer("c1"), "till": await world.machine("till", "shop"),
                    "site": await world.machine("site", "shop"), "nobody": await world.client(),
                }  # fmt: skip
                self._ready.set()
                await self._over.wait()
        except BaseException as error:
            self._failed = error
            self._ready.set()
            raise
        finally:
            runtime.vault.close()
            await runtime.db.close()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(120)
        assert self._failed is None, self._failed

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)
        self.loop.close()

    def ask(self, role: str, sending: dict[str, Any]) -> httpx.Response:
        assert self.world is not None
        self.world.app.state.limiter.__init__()
        waiting = asyncio.run_coroutine_threadsafe(self.clients[role].request(**sending), self.loop)
        return waiting.result(60)


def shop_document_of(**store: Any) -> dict[str, Any]:
    """As the fixture `import_document` gives it."""
    return shop_document(**store)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[_Fuzzed]:
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copy(migrated_sqlite, folder / "central.db")
    made = _Fuzzed(folder)
    made.start()
    yield made
    made.stop()


def _roles(path: str) -> list[str]:
    if path.startswith("/api/v1/me"):
        return ["customer"]
    if path.startswith("/api/v1/till"):
        return ["till", "staff"]
    return ["site", "nobody"] if path.startswith(("/v1/", "/site/", "/01/")) else ["staff", "consultant"]


@contextmanager
def _asked_as(said: dict[str, Any]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{said}: {error}") from error


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_fuzzing_finds_no_error_and_no_surprise(
    fuzzed: _Fuzzed, path: str, method: str, operation: dict[str, Any]
) -> None:
    if path in ENDLESS or path.endswith(TAKES_ALL):
        pytest.skip("never ends, or ends the session: tested on its own")
    described = schemathesis.openapi.from_dict(WHOLE)[path][method.upper()]
    checks = [
        check for check in schemathesis.checks.CHECKS.get_all()
        if check.__name__ in {
            "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
        }
    ]  # fmt: skip
    assert len(checks) == 4

    @given(case=described.as_strategy(), role=st.sampled_from(_roles(path)), real=st.booleans())
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES < 50,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def fuzz(case: Any, role: str, real: bool) -> None:
        if real:  # otherwise a guessed store or number would end nearly every request at once
            objects = OBJECTS | fuzzed.world.ids  # type: ignore[union-attr]
            for part in (case.path_parameters, case.query):
                part.update({name: str(objects[name]) for name in part if name in objects and name not in PERIOD})
            if isinstance(case.body, dict) and "store" in case.body:
                case.body["store"] = "shop"
        case.headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "x-csrf-token"}
        case.cookies = {}
        words = case.as_transport_kwargs(base_url="http://central.test")
        sending = {
            name: words[name] for name in ("method", "url", "params", "json", "data") if words.get(name) is not None
        }
        if isinstance(sending.get("data"), bytes | str):
            sending["content"] = sending.pop("data")
        own = {"authorization", "cookie", "x-csrf-token", "user-agent", "accept-encoding", "connection"}
        sending["headers"] = {name: value for name, value in dict(words["headers"]).items() if name.lower() not in own}
        answer = fuzzed.ask(role, sending)
        with _asked_as({"role": role, "status": answer.status_code, "answer": answer.text[:300], **sending}):
            case.validate_response(answer, checks=checks)

    fuzz()
