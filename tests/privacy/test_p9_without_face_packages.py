"""P9: QR, floor and labels work on a machine where no face package can be imported.

The node and its tools run in fresh processes in which an import of insightface, faiss, onnxruntime's face models or
our own face modules raises. What they do is compared with what is expected of a whole store.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BLOCKER = """
import importlib.abc, sys

BLOCKED = ("insightface", "faiss", "models.faces", "edge.vision", "skimage", "albumentations")

class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == blocked or name.startswith(blocked + ".") for blocked in BLOCKED):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""


def blocked(folder: Path) -> dict[str, str]:
    """An environment whose Python knows no face package: `sitecustomize` is read before anything else."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(BLOCKER)
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("module", ["insightface", "faiss", "models.faces", "edge.vision.stage"])
def test_the_blocker_blocks(tmp_path: Path, module: str) -> None:
    done = run(blocked(tmp_path / "site"), "-c", f"import {module}")
    assert "ModuleNotFoundError" in done.stderr


def test_a_node_checks_people_in_follows_them_and_drives_labels(
    tmp_path: Path, bus: Any, office: Any, person_weights: bool
) -> None:
    """`python -m edge run` under qr_only: check-in at a scanner, product code, price label, floor camera."""
    from datetime import UTC, datetime, timedelta

    from contract.commands import LabelContent, LabelShow

    environment = blocked(tmp_path / "site")
    cameras: list[dict[str, Any]] = [
        {"id": "door", "role": "entrance", "read_qr": True, "source": {"driver": "simulated"}}
    ]
    if person_weights:
        plane = [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]
        cameras.append({"id": "floor", "role": "floor", "homography": plane, "source": {"driver": "simulated"}})
    (tmp_path / "node.yaml").write_text(yaml.safe_dump({
        "store": "demo", "node": "node1", "state_dir": "state", "trust": office.trust(), "cameras": cameras,
        "broker": {"urls": [f"mqtt://127.0.0.1:{bus.port}"]}, "policy": {"region": "russia"},
        "scanners": [{"id": "till", "source": {"driver": "simulated", "texts": ["SKU-1"], "interval_s": 0.2}}],
        "labels": {
            "source": {"driver": "simulated", "confirm_s": 0.1, "tags": [{"address": "AA1"}]},
            "map": [{"id": "l1", "address": "AA1"}],
        },
    }))  # fmt: skip
    node = subprocess.Popen(
        [sys.executable, "-m", "edge", "run", "--config", str(tmp_path / "node.yaml")],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=(tmp_path / "log").open("w"),
    )  # fmt: skip
    try:
        bus.wait(lambda: bus.said("status") or node.poll() is not None)
        assert node.poll() is None, (tmp_path / "log").read_text()
        content = LabelContent(title="Headphones", sku="S1", price=1000, currency="EUR")
        valid = datetime.now(UTC) + timedelta(seconds=60)
        show = LabelShow(sequence=1, valid_until=valid, label="l1", variant="public", content=content)
        bus.client.publish(*office.say(show), qos=1)
        bus.wait(lambda: bus.said("product.scanned") and bus.said("health") and bus.said("label.state"))
        bus.wait(lambda: [state["state"] for state in bus.said("label.state")][-1:] == ["shown"])
        status = bus.said("status")[0]
        assert status["policy"]["mode"] == "qr_only"
        names = [card["name"].removesuffix("-float") for card in status["models"]]
        assert names == (["person-detector"] if person_weights else [])
    finally:
        node.terminate()
        assert node.wait(20) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.fixture
def person_weights() -> bool:
    """Whether the detector of people is built here; the face weights are not asked for."""
    from models.catalogue import models_for
    from models.weights import default_weights_dir, fault, read_manifest

    folder = default_weights_dir()
    built = read_manifest(folder)
    return not any(fault(row, folder, built) for row in models_for("person-"))


TOOLS = {
    "check-config": lambda path: ["-m", "edge", "check-config", path],
    "doctor": lambda path: ["-m", "edge", "doctor", "--config", path],
    "withdraw": lambda path: ["-m", "edge", "withdraw", "--config", path, "--subject", "ab" * 16],
    "models list": lambda _path: ["-m", "models", "list"],
    "calibration": lambda _path: ["-m", "calibration", "--help"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_but_those_for_faces_works(tmp_path: Path, office: Any, tool: str) -> None:
    path = tmp_path / "node.yaml"
    path.write_text(yaml.safe_dump({
        "store": "demo", "node": "node1", "state_dir": "state", "trust": office.trust(),
        "policy": {"region": "russia"},
    }))  # fmt: skip
    build: Callable[[str], list[str]] = TOOLS[tool]
    done = run(blocked(tmp_path / "site"), *build(str(path)))
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == (1 if tool == "doctor" else 0), done.stdout + done.stderr  # doctor: there is no broker


def test_a_mode_with_faces_is_refused_in_words(tmp_path: Path, office: Any) -> None:
    """Asked for faces where their packages are missing, the node says so instead of falling over."""
    path = tmp_path / "node.yaml"
    path.write_text(yaml.safe_dump({
        "store": "demo", "node": "node1", "state_dir": "state", "trust": office.trust(),
        "broker": {"urls": ["mqtt://127.0.0.1:1"]}, "policy": {"mode": "verify"},
        "cameras": [{"id": "door", "role": "entrance", "spot": [[0, 0], [1, 0], [1, 1]],
                     "source": {"driver": "simulated"}}],
    }))  # fmt: skip
    done = run(blocked(tmp_path / "site"), "-m", "edge", "run", "--config", str(path))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "face" in done.stderr


SUITE = [
    "tests/unit/edge_vision/test_visits.py", "tests/unit/edge_vision/test_floor.py",
    "tests/unit/edge_vision/test_checkin.py", "tests/unit/edge_vision/test_codes.py",
    "tests/unit/edge_vision/test_policy.py", "tests/unit/edge_vision/test_config.py",
    "tests/unit/edge_node/test_label_gateway.py", "tests/unit/edge_node/test_commands.py",
    "tests/unit/edge_node/test_outbox_store.py", "tests/unit/edge_node/test_outbox_writer.py",
    "tests/contract", "tests/drivers/test_scanner_hid.py",
]  # fmt: skip
"""Visits, floor, check-in, labels, outbox, contract: the suite of everything but face."""


@pytest.mark.slow
def test_the_suite_of_everything_but_face_passes(tmp_path: Path) -> None:
    done = run(blocked(tmp_path / "site"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITE)
    assert done.returncode == 0, textwrap.shorten(done.stdout[-3000:], 3000)
    assert " passed" in done.stdout
    print(json.dumps({"suite": done.stdout.strip().splitlines()[-1]}))
