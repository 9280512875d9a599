"""Habits of the repository itself."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contract.clock import ManualClock, SystemClock

ROOT = Path(__file__).parents[2]
PACKAGES = ("contract", "edge", "central", "hardware", "models", "calibration", "tracking", "simulator")


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", PACKAGES)
def test_imports_resolve_inside_the_repository(name: str) -> None:
    found = importlib.import_module(name).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT), f"{name} comes from {found}: another distribution shadows the repository"


@pytest.mark.parametrize("name", ["contract", "edge", "central"])
def test_a_bare_import_loads_no_vision_library(name: str) -> None:
    code = f"import {name}, sys; print([m for m in ('cv2','onnxruntime','insightface','faiss') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_nothing_tracked_names_a_registry_host_or_this_machine() -> None:
    hosts = re.compile(r"(pypi|pythonhosted|npmjs|debian)[.](org|com)/")
    for path in tracked("*"):
        if path.suffix in {".png", ".ico"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        assert not hosts.search(text), f"{path.relative_to(ROOT)} names a registry host"
        assert f"{ROOT}/" not in text, f"{path.relative_to(ROOT)} holds a path of this machine"


def test_no_picture_of_a_person_and_no_weight_is_tracked() -> None:
    bad = [p for p in tracked("*") if p.suffix in {".jpg", ".jpeg", ".mp4", ".avi", ".onnx", ".tflite", ".npy"}]
    assert bad == []


def test_files_and_functions_stay_readable() -> None:
    for path in tracked("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 600, f"{path.relative_to(ROOT)} is longer than 600 lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= 80, f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length} lines"


def test_logic_reads_time_only_through_the_clock() -> None:
    """Invariant 6: no wall or monotonic time outside contract.clock in the product's own packages."""
    banned = re.compile(r"\btime\.(time|monotonic)\(\)|datetime\.(now|utcnow)\(|date\.today\(")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in PACKAGES
        for path in tracked(f"{package}/*.py")
        if path.name != "clock.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if banned.search(line)
    ]
    assert found == []


def test_a_clock_jump_does_not_move_monotonic_time() -> None:
    clock = ManualClock()
    before = (clock.now(), clock.monotonic())
    clock.jump(-86_400)
    assert clock.monotonic() == before[1]
    assert (before[0] - clock.now()).total_seconds() == 86_400
    clock.advance(2.5)
    assert clock.monotonic() - before[1] == 2.5
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_the_system_clock_is_utc() -> None:
    offset = SystemClock().now().utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0
