"""Region profiles are signed: one changed byte and the node falls back to qr_only with a sentence."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge import cli, regions
from edge.config.vision import Mode, PolicyConfig
from edge.policies import PROJECT_KEY
from edge.policy import PolicyDecision, judge
from edge.regions import RefusedProfileError, UnknownRegionError, read_profile, sign_profile

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PROJECT = base64.b64decode(PROJECT_KEY)
OPERATOR = Ed25519PrivateKey.generate()
OPERATOR_PUBLIC = OPERATOR.public_key().public_bytes_raw()
OWN = b"""title: Testland
default_mode: verify
needs_document: [open]
disclosure: {en: Price set for you.}
"""


def shipped(name: str) -> bytes:
    return files("edge.policies").joinpath(f"{name}.yaml").read_bytes()


@pytest.mark.parametrize("name", regions.regions())
def test_every_changed_byte_is_noticed(name: str) -> None:
    whole = shipped(name)
    assert read_profile(whole, name, PROJECT).title
    for place in range(len(whole)):
        for flipped in (whole[place] ^ 1, whole[place] ^ 0x20):
            altered = whole[:place] + bytes([flipped]) + whole[place + 1 :]
            with pytest.raises(RefusedProfileError):
                read_profile(altered, name, PROJECT)


@given(st.binary(max_size=80), st.integers(0, 400))
def test_nothing_can_be_put_in(more: bytes, place: int) -> None:
    whole = shipped("eu")
    altered = whole[:place] + more + whole[place:]
    if altered != whole:
        with pytest.raises(RefusedProfileError):
            read_profile(altered, "eu", PROJECT)


def test_one_region_cannot_stand_for_another() -> None:
    with pytest.raises(RefusedProfileError, match="altered, or is not signed"):
        read_profile(shipped("default"), "russia", PROJECT)


def test_an_altered_profile_means_qr_only_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "eu.yaml").write_bytes(shipped("eu").replace(b"forbidden: [open]", b"forbidden: []    "))
    regions.region_profile.cache_clear()
    monkeypatch.setattr(regions, "files", lambda _package: tmp_path)
    try:
        for mode in (None, "verify", "lane", "open"):
            asked: Mode | None = mode  # type: ignore[assignment]
            granted = judge(PolicyConfig(region="eu", mode=asked), "shop", None, None, NOW)
            assert granted.mode == "qr_only"
            assert "profile of region eu was altered" in granted.reason
    finally:
        regions.region_profile.cache_clear()


def own(folder: Path, text: bytes, name: str = "testland", mode: Mode | None = None) -> PolicyDecision:
    path = folder / f"{name}.yaml"
    path.write_bytes(text)
    return judge(PolicyConfig(region=name, mode=mode, profile=path), "shop", OPERATOR_PUBLIC, None, NOW)


def test_an_operators_own_profile_holds_when_the_operator_signed_it(tmp_path: Path) -> None:
    granted = own(tmp_path, sign_profile(OWN, "testland", OPERATOR))
    assert (granted.mode, granted.reason) == ("verify", "")
    assert own(tmp_path, sign_profile(OWN, "testland", OPERATOR), mode="open").mode == "qr_only"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN, "is not signed"),
        (sign_profile(OWN, "testland", Ed25519PrivateKey.generate()), "not signed by the key"),
        (sign_profile(OWN, "elsewhere", OPERATOR), "altered"),
        (sign_profile(OWN, "testland", OPERATOR) + b"# more\n", "is not signed"),
        (b"", "is not signed"),
        (b"x" * 20_000, "larger than"),
    ],
)
def test_an_own_profile_is_refused_with_the_reason(tmp_path: Path, text: bytes, words: str) -> None:
    granted = own(tmp_path, text)
    assert granted.mode == "qr_only"
    assert words in granted.reason


def test_no_profile_frees_open_even_signed() -> None:
    with pytest.raises(RefusedProfileError, match="must need a document or be forbidden"):
        sign_profile(OWN.replace(b"needs_document: [open]", b"needs_document: []"), "testland", OPERATOR)


def test_an_own_profile_cannot_replace_a_shipped_region(tmp_path: Path) -> None:
    with pytest.raises(UnknownRegionError, match="another name"):
        own(tmp_path, sign_profile(OWN, "eu", OPERATOR), name="eu")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = cli.main(["policy", *map(str, arguments)])
    found = capsys.readouterr()
    assert "Traceback" not in found.err
    return code, found.out + found.err


def test_the_tool_makes_a_key_signs_and_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, profile = tmp_path / "operator.pem", tmp_path / "testland.yaml"
    profile.write_bytes(OWN)
    code, said = run(capsys, "keygen", key)
    public = said.split()[-1]
    assert (code, key.stat().st_mode & 0o777) == (0, 0o600)
    assert run(capsys, "keygen", key)[0] == 2
    assert run(capsys, "verify", profile, "--public", public)[0] == 1
    assert run(capsys, "sign", profile, "--key", key)[0] == 0
    assert run(capsys, "verify", profile, "--public", public) == (
        0, "in order: region testland, Testland, default mode verify\n",
    )  # fmt: skip
    assert run(capsys, "verify", profile)[0] == 1
    profile.write_bytes(profile.read_bytes().replace(b"verify", b"lane  "))
    code, said = run(capsys, "verify", profile, "--public", public)
    assert code == 1
    assert "altered" in said


@pytest.mark.parametrize("arguments", [
    ("sign", "nothing.yaml", "--key", "nothing.pem"), ("verify", "nothing.txt"), ("verify", "nothing.json"),
    ("verify", "nothing.yaml", "--public", "xx"), ("keygen", "/nowhere/at/all.pem"),
])  # fmt: skip
def test_bad_input_gets_a_sentence(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, *arguments)
    assert code == 2
    assert said.startswith("edge: ")
