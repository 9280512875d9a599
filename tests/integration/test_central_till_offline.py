"""A till goes on selling while central is gone, and tells it afterwards: the real program, killed and started again."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from central.cli import main
from contract.events import VisitIdentified, VisitStarted
from tests.integration.test_central_process import REPOSITORY, Node, Program, _until

SHOP = {"store": "shop"}


@pytest.fixture
def data(tmp_path: Path, import_document: Any, capsys: pytest.CaptureFixture[str]) -> Path:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(import_document()))
    folder = tmp_path / "central"
    assert main(["import", str(file), "--data", str(folder)]) == 0
    capsys.readouterr()
    return folder


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out.strip()


def _arrive(node: Node) -> None:
    now = datetime.now(UTC)
    known = {"method": "qr", "device": "door-1", "stage": "final", "confidence": 1, "first_usable_at": now, "at": now}
    node.add(VisitStarted(visit="v1", method="qr", device="door-1", at=now))
    node.add(VisitIdentified.model_validate({"visit": "v1", "subject": "a" * 32, **known}))
    node.send()
    assert node.wait(2, 30)


def _price(url: str, code: str) -> dict[str, Any]:
    """What Anna's phone shows."""
    with httpx.Client(base_url=url, timeout=20) as phone:
        assert phone.post("/api/v1/me/login", json={"code": code}).status_code == 204
        phone.headers["X-CSRF-Token"] = phone.get("/api/v1/me").json()["csrf"]
        found: dict[str, Any] = phone.post("/api/v1/me/price", json={"sku": "HP-1"}).json()
        return found


def _sell(till: Path, code: str, key: str, receipt: str, journal: str = "till-3.jsonl") -> dict[str, Any]:
    """The till's own machine: a folder with a journal and nothing else."""
    words = ["--key", key, "--store", "shop", "--sku", "HP-1", "--public", "20000", "--receipt", receipt]
    call = [sys.executable, "-m", "central", "till", "offline", code, *words, "--journal", str(till / journal)]
    done = subprocess.run(call, cwd=till, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_till_sells_without_central_and_tells_it_afterwards(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--data", str(data))
    token = _said(capsys, "token", "create", "--role", "till", "--store", "shop", *where)
    login = _said(capsys, "customers", "login-code", "c1", *where)
    words = ("run", *where, "--port", 0, "--broker-port", 0)
    program = Program(*words)
    node = Node(program.ready["broker"])
    headers = {"Authorization": f"Bearer {token}"}
    try:
        _arrive(node)
        price = _price(program.ready["url"], login)
        assert price["personal"]
        kit = httpx.get(f"{program.ready['url']}/api/v1/till/kit", params=SHOP, headers=headers).json()
        program.kill()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{program.ready['url']}/health")
        till = tmp_path / "till"
        till.mkdir()
        sold = _sell(till, price["code"], kit["key"], "till-3:1")
        assert (sold["honoured"], sold["charged"]) == (True, price["price"])
        assert _sell(till, price["code"], kit["key"], "till-3:2") == {
            "charged": 20000, "honoured": False, "reason": "used"
        }  # fmt: skip
        assert [path.name for path in till.iterdir()] == ["till-3.jsonl"], "it needs nothing of central's"
        # the same code at another till that is cut off as well: honoured, and found afterwards
        assert _sell(till, price["code"], kit["key"], "till-4:1", "till-4.jsonl")["honoured"]
        program = Program(*words)
        lines = [json.loads(line) for name in ("till-3", "till-4") for line in (till / f"{name}.jsonl").open()]
        body = {**SHOP, "lines": lines}
        with httpx.Client(base_url=program.ready["url"], headers=headers, timeout=20) as client:
            told = client.post("/api/v1/till/reconcile", json=body).json()["lines"]
            assert [line["conflict"] for line in told] == [None, "redeemed_before"]
            assert client.post("/api/v1/till/reconcile", json=body).json()["lines"] == told
            again = client.post("/api/v1/till/redeem", json={**SHOP, "sku": "HP-1", "receipt": "x", "visit": "v1"})
            assert (again.json()["charged"], again.json()["redeemed"]) == (20000, False)
    finally:
        node.close()
        assert _until(lambda: program.stop() == 0)


def test_a_line_cut_off_by_a_power_failure_was_not_charged(data: Path, tmp_path: Path) -> None:
    from central.errors import MisconfiguredError
    from central.pricing import journal

    path = tmp_path / "till.jsonl"
    with journal.opened(path) as kept:
        kept.write({"code": "a"})
    path.write_bytes(path.read_bytes() + b'{"code": "b", "rec')
    with journal.opened(path) as kept:
        assert kept.codes() == ["a"]
        kept.write({"code": "c"})
        assert kept.codes() == ["a", "c"]
    path.write_bytes(b"what is this\n" + path.read_bytes())
    with journal.opened(path) as kept, pytest.raises(MisconfiguredError, match="line 1 "):
        kept.codes()
    with pytest.raises(MisconfiguredError, match="No such file"), journal.opened(tmp_path / "no" / "where"):
        pass
