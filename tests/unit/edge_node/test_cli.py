"""Bad input at the command line: a clear message, an exit code, no traceback."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from edge import cli

KEY = base64.b64encode(b"k" * 32).decode()
BASE: dict[str, object] = {"store": "demo", "node": "node1", "state_dir": "state"}
TRUST = {"trust": {"central_signing_key": KEY, "central_sealing_key": KEY}}
BROKER = {"broker": {"urls": ["mqtt://127.0.0.1:1"]}}


def config(folder: Path, **sections: object) -> str:
    path = folder / "node.yaml"
    path.write_text(yaml.safe_dump({**BASE, **sections}))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    found = capsys.readouterr()
    assert "Traceback" not in found.err
    return code, found.out, found.err


def test_doctor_looks_at_the_kiosk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "consent.txt"
    text.write_text("I agree.")
    kiosk: dict[str, object] = {"listen": "127.0.0.1:0", "consent": {"en": str(text)}, "consent_version": "1"}

    def line(**changes: object) -> str:
        path = config(tmp_path, kiosk={**kiosk, **changes}, policy={"region": "russia"}, **TRUST)
        _, out, _ = run(capsys, "doctor", "--config", path)
        return "\n".join(found for found in out.splitlines() if " kiosk " in found)

    assert "OK    kiosk" in line()
    assert "nobody can enrol under mode qr_only" in line()
    gone = line(consent={"en": str(tmp_path / "gone.txt")})
    assert "FAIL  kiosk" in gone
    assert "gone.txt" in gone
    (tmp_path / "bad.pem").write_text("no certificate")
    bad = str(tmp_path / "bad.pem")
    assert "kiosk.cert, key" in line(cert=bad, key=bad)


def test_a_sound_file_is_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check-config", config(tmp_path))
    assert code == 0
    assert "demo/node1" in out


def test_a_wrong_key_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path)
    Path(path).write_text(Path(path).read_text() + "brokr:\n  urls: []\n")
    code, _, error = run(capsys, "check-config", path)
    assert code == 2
    assert "node.yaml:4" in error
    assert "did you mean 'broker'" in error


@pytest.mark.parametrize(
    ("sections", "says"),
    [({}, "broker: this section is required"), (BROKER, "python -m central keys")],
)
def test_run_says_which_section_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sections: dict[str, object], says: str
) -> None:
    code, _, error = run(capsys, "run", "--config", config(tmp_path, **sections))
    assert code == 2
    assert says in error


def test_run_names_a_corrupt_weight_and_the_command_that_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "face_detector.onnx").write_bytes(b"half")
    camera = {
        "id": "c1", "role": "entrance", "spot": [[0, 0], [1, 0], [1, 1]],
        "source": {"driver": "simulated", "width": 64, "height": 64, "fps": 5},
    }  # fmt: skip
    path = config(tmp_path, **BROKER, **TRUST, cameras=[camera], models={"weights": "weights"})
    code, _, error = run(capsys, "run", "--config", path)
    assert code == 2
    assert "python -m models build" in error


def test_an_unusable_state_directory_and_a_broken_key_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("a file in the way")
    code, _, error = run(capsys, "run", "--config", config(tmp_path, **BROKER, **TRUST))
    assert code == 2
    assert "state_dir" in error
    (tmp_path / "state").unlink()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "node.key").write_text("nonsense")
    code, _, error = run(capsys, "run", "--config", config(tmp_path, **BROKER, **TRUST))
    assert code == 2
    assert "Move it away" in error


def enrol(folder: Path, path: str, *more: str) -> list[str]:
    return [
        "enrol", "--config", path, "--subject", "ab" * 16, "--photos", str(folder), "--consent-text",
        str(folder / "consent.txt"), "--text-version", "v1", "--purposes", "identify", *more,
    ]  # fmt: skip


def test_enrol_is_refused_where_no_face_may_be_enrolled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, **TRUST, policy={"region": "default", "mode": "qr_only"})
    code, _, error = run(capsys, *enrol(tmp_path, path))
    assert code == 2
    assert "no face may be enrolled" in error
    assert not (tmp_path / "state" / "outbox.db").exists()


def test_enrol_names_what_is_wrong_with_its_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, **TRUST, policy={"region": "default", "mode": "verify"})
    code, _, error = run(capsys, *enrol(tmp_path, path))
    assert (code, "--photos" in error) == (2, True)
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    code, _, error = run(capsys, *enrol(tmp_path, path))
    assert (code, "--consent-text" in error) == (2, True)
    code, _, error = run(capsys, "withdraw", "--config", path, "--subject", "Anna")
    assert (code, "--subject" in error) == (2, True)


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["enrol", "--subject", "x"]])
def test_usage_errors_exit_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)
    assert raised.value.code == 2
    assert "usage:" in capsys.readouterr().err
