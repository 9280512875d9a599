"""The description of the API is complete, and what is fuzzed from it neither breaks nor surprises (PRIVACY S8).

`VITRINA_FUZZ=200 pytest tests/security/test_openapi.py` fuzzes for long: examples per operation (usually a few).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections import Counter
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
from central.openapi import describe, examples
from central.settings import Settings
from contract.clock import ManualClock
from tests.conftest import RecordingBus, Shop, shop_document
from tests.security.test_object_authorisation import OBJECTS, PERIOD
from tests.security.world import World, live, opened

jsonschema_rs = pytest.importorskip("jsonschema_rs", reason="schemathesis is not installed: pip install -e .[dev]")
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
        assert _shown(content) or _resolved(content.get("schema", {})).get("format") == "binary", (
            "an example of the body: json_schema_extra={'examples': [...]}"
        )


def _shown(content: dict[str, Any]) -> list[Any]:
    """The examples of a body or an answer."""
    said = [content["example"]] if "example" in content else []
    said += [example["value"] for example in content.get("examples", {}).values()]
    schema = _resolved(content.get("schema", {}))
    return said or list(schema.get("examples", ())) or [schema[name] for name in ("example",) if name in schema]


def answers_of(name: str) -> dict[str, dict[str, Any]]:
    """Operation ("GET /health") -> "200 application/json" -> the medium's description; good answers only."""
    method, _, path = name.partition(" ")
    answers = WHOLE["paths"][path][method.lower()]["responses"]
    return {
        f"{status} {media}": content
        for status, answer in answers.items()
        if status.startswith("2")
        for media, content in answer.get("content", {}).items()
    }


def problem_of(name: str, key: str, value: Any) -> str | None:
    """Why `value` is no example of that answer."""
    content = answers_of(name).get(key)
    return f"{name} does not answer {key}" if content is None else _misfit(content.get("schema", {}), value)


def _misfit(schema: dict[str, Any], value: Any) -> str | None:
    try:
        jsonschema_rs.validate({**schema, "components": WHOLE["components"]}, value)
    except jsonschema_rs.ValidationError as error:
        return f"{error.message} at {error.instance_path}"
    return None


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_good_answer_has_an_example_that_fits(path: str, method: str, operation: dict[str, Any]) -> None:
    name = f"{method.upper()} {path}"
    for status, answer in operation["responses"].items():
        if status.startswith("2") and status != "204":
            assert answer.get("content"), f"{status}: of which medium?"
    for key, content in answers_of(name).items():
        if content.get("schema", {}).get("format") == "binary":
            continue
        said = _shown(content)
        assert said, f"{name}, {key}: record it with `pytest tests/security/record_examples.py`"
        assert [_misfit(content.get("schema", {}), value) for value in said] == [None] * len(said), (
            "an example does not fit any more: `pytest tests/security/record_examples.py`"
        )


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_what_is_sent_has_examples_that_fit(path: str, method: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        said = _shown(parameter)
        assert said or not parameter.get("required"), f"{parameter['name']}: an example; see _PARAMETERS in openapi.py"
        for value in said:
            assert _misfit(parameter["schema"], value) is None, parameter["name"]
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        for value in _shown(content) if media == "application/json" else ():
            assert _misfit(content["schema"], value) is None


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_refusal_has_the_shape_of_a_problem(path: str, method: str, operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        if status.startswith("4"):
            assert "application/json" in answer.get("content", {}), f"{status} says nothing that a program can read"


def test_nothing_is_shown_of_operations_that_are_gone() -> None:
    named = {(name, key) for name, answers in examples().items() for key in answers}
    known = {(name, key) for name in examples() if _known(name) for key in answers_of(name)}
    assert named <= known, f"record anew: {sorted(named - known)[:5]}"


def _known(name: str) -> bool:
    method, _, path = name.partition(" ")
    return method.lower() in WHOLE["paths"].get(path, {})


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
    if path == "/api/v1/me" or path.startswith("/api/v1/me/"):
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


def _checks() -> list[Any]:
    wanted = {
        "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    }  # fmt: skip
    found = [check for check in schemathesis.checks.CHECKS.get_all() if check.__name__ in wanted]
    assert len(found) == len(wanted)
    return found


def _words(case: Any) -> dict[str, Any]:
    """The request of a case without what says who asks: that is the client's."""
    case.headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "x-csrf-token"}
    case.cookies = {}
    words = case.as_transport_kwargs(base_url="http://central.test")
    names = ("method", "url", "params", "json", "data", "content")
    sending = {name: words[name] for name in names if words.get(name) is not None}
    if isinstance(sending.get("data"), bytes | str):
        sending["content"] = sending.pop("data")
    own = {"authorization", "cookie", "x-csrf-token", "user-agent", "accept-encoding", "connection"}
    sending["headers"] = {name: value for name, value in dict(words["headers"]).items() if name.lower() not in own}
    return sending


MODES = {mode.value: mode for mode in schemathesis.GenerationMode}


@pytest.mark.parametrize("mode", sorted(MODES))
@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_fuzzing_finds_no_error_and_no_surprise(
    fuzzed: _Fuzzed, path: str, method: str, operation: dict[str, Any], mode: str
) -> None:
    """What is described, and what is not as described."""
    if path in ENDLESS or path.endswith(TAKES_ALL):
        pytest.skip("never ends, or ends the session: tested on its own")
    described = schemathesis.openapi.from_dict(WHOLE)[path][method.upper()]
    if mode == "negative" and not (described.body or described.path_parameters or described.query):
        return  # nothing to be wrong about
    checks = _checks()

    @given(
        case=described.as_strategy(generation_mode=MODES[mode]), role=st.sampled_from(_roles(path)), real=st.booleans()
    )
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
        sending = _words(case)
        answer = fuzzed.ask(role, sending)
        with _asked_as({"role": role, "status": answer.status_code, "answer": answer.text[:300], **sending}):
            case.validate_response(answer, checks=checks)

    fuzz()


def _bent(schema: dict[str, Any], value: Any) -> Iterator[Any]:
    """The value with one of its parts in a type that only resembles the described one."""
    schema = _resolved(schema)
    kinds = [_resolved(kind) for kind in schema.get("anyOf", [schema])]
    kinds = [kind for kind in kinds if _misfit(kind, value) is None]
    for kind in kinds:
        if isinstance(value, bool):
            yield from (int(value), str(value).lower())
        elif isinstance(value, int | float):
            yield from (str(value), True)
        elif isinstance(value, str) and kind.get("format") == "date-time":
            yield from (0, "1767225600")
        elif isinstance(value, list):
            for place, item in enumerate(value):
                for bent in _bent(kind.get("items", {}), item):
                    yield [*value[:place], bent, *value[place + 1 :]]
        elif isinstance(value, dict):
            for name, item in value.items():
                below = kind.get("properties", {}).get(name, kind.get("additionalProperties"))
                for bent in _bent(below, item) if isinstance(below, dict) else ():
                    yield value | {name: bent}


MORE_TO_BEND = {
    "POST /api/v1/preferences/search": {
        "store": "shop", "limit": 5, "query": {
            "conditions": [{"parameter": "weight", "direction": "less", "than": {"value": 200}, "or_equal": True}],
            "price_max": 1000, "flags": {"wireless": True}, "here": False,
        },
    },
    "POST /api/v1/till/redeem": {"store": "shop", "sku": "HP-1", "receipt": "bent", "quantity": 2},
    "POST /api/v1/me/price": {"sku": "HP-1", "scanned": True},
}  # fmt: skip


def test_a_type_that_only_resembles_the_described_one_is_refused(fuzzed: _Fuzzed) -> None:
    """0 is not false (least of all in a consent), "5" is not 5, and 0 is not a time."""
    asked = Counter[str]()
    for path, methods in WHOLE["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None or path == "/v1/events":  # judged one by one, as the site's library wrote them
                continue
            name = f"{method.upper()} {path}"
            for value in [*_shown(content), *([MORE_TO_BEND[name]] if name in MORE_TO_BEND else [])]:
                assert _misfit(content["schema"], value) is None
                for bent in _bent(content["schema"], value):
                    url = path.format(**{part: str(word) for part, word in (OBJECTS | fuzzed.world.ids).items()})  # type: ignore[union-attr]
                    sending = {"method": method.upper(), "url": url, "json": bent, "params": {"store": "shop"}}
                    answer = fuzzed.ask(_roles(path)[0], sending)
                    assert answer.status_code in {403, 404, 422}, (name, bent, answer.text)
                    assert answer.status_code == 422 or "cards" in path, (name, bent, answer.text)
                    asked[name] += 1
    assert len(asked) >= 10, asked
    assert asked["PUT /api/v1/me/consents"] >= 10


def test_one_answer_leads_to_the_next_question_without_an_error(fuzzed: _Fuzzed) -> None:
    """Numbers and names out of answers are used in the next requests (links that schemathesis infers)."""
    schema = schemathesis.openapi.from_dict(WHOLE).exclude(path_regex="(/stream|/erase|/logout|/login)$")
    asked = Counter[str]()
    checks = _checks()

    class Walk(schema.as_state_machine()):  # type: ignore[misc]
        def call(self, case: Any, **kwargs: Any) -> Any:
            path = case.operation.path
            answer = fuzzed.ask(_roles(path)[0], _words(case))
            asked[f"{case.operation.method.upper()} {path}"] += 1
            return schemathesis.Response.from_any(answer)

        def validate_response(self, response: Any, case: Any, *rest: Any, **kwargs: Any) -> None:
            case.validate_response(response, checks=checks)

    Walk.run(
        settings=settings(
            max_examples=EXAMPLES * 3, stateful_step_count=8, deadline=None, database=None, derandomize=EXAMPLES < 50,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )
    )  # fmt: skip
    assert asked.total() > EXAMPLES * 5
    assert len(asked) > 5
