"""Addresses people type."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from central.errors import MisconfiguredError, RejectedError
from central.keys import load_or_create, seal_subject_key
from central.secret_files import with_password
from central.settings import async_url, broker_address


def test_database_addresses() -> None:
    assert async_url("postgres://u@h/d") == "postgresql+asyncpg://u@h/d"
    assert async_url("sqlite:///x.db") == "sqlite+aiosqlite:///x.db"


@pytest.mark.parametrize("url", ["mysql://x", "x.db", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(MisconfiguredError, match="--database"):
        async_url(url)


def test_broker_addresses() -> None:
    address = broker_address("mqtts://me:p%40ss@broker")
    assert (address.host, address.port, address.username, address.password, address.tls) == (
        "broker",
        8883,
        "me",
        "p@ss",
        True,
    )
    assert "p@ss" not in address.public


@pytest.mark.parametrize("url", ["http://x", "broker:1883", "mqtt://", "mqtt://h:99999", "mqtt://h:x"])
def test_other_brokers_are_refused(url: str) -> None:
    with pytest.raises(MisconfiguredError, match="--broker"):
        broker_address(url)


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path)
    assert load_or_create(tmp_path).public() == keys.public()
    for name in ("keys.json", "pepper.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"keys.json", "pepper.json"}
    assert str(keys) == "Keys(...)"


def test_a_damaged_key_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(MisconfiguredError, match="not a key file"):
        load_or_create(tmp_path)


def test_a_subject_key_is_wrapped_anew_for_a_node(tmp_path: Path) -> None:
    central, node = load_or_create(tmp_path / "a"), load_or_create(tmp_path / "b")
    sealed = seal_subject_key(b"k" * 32, central.public()["central_sealing_key"])
    again = node.rewrap(central.rewrap(sealed, node.public()["central_sealing_key"]), _public(central))
    assert again != sealed
    with pytest.raises(RejectedError):
        central.rewrap(base64.b64encode(bytes(80)).decode(), _public(central))
    with pytest.raises(RejectedError):
        seal_subject_key(b"k" * 32, "AAAA")


def _public(keys: object) -> str:
    from central.keys import Keys

    assert isinstance(keys, Keys)
    return keys.public()["central_sealing_key"]


def test_a_password_comes_out_of_a_file_whatever_signs_it_has(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("p@ss:/ word\n")
    address = broker_address(with_password("mqtts://central@broker:8883", path, "--broker-password-file"))
    assert (address.host, address.port, address.username, address.password) == (
        "broker",
        8883,
        "central",
        "p@ss:/ word",
    )
    whole = with_password("postgresql://vitrina@[::1]:5432/central?ssl=require", path, "--database-password-file")
    assert whole == "postgresql://vitrina:p%40ss%3A%2F%20word@[::1]:5432/central?ssl=require"


@pytest.mark.parametrize("url", ["mqtt://broker", "mqtt://me:known@broker", "sqlite:///x.db"])
def test_an_address_that_takes_no_password_is_named(tmp_path: Path, url: str) -> None:
    path = tmp_path / "password"
    path.write_text("word")
    with pytest.raises(MisconfiguredError, match="--x-password-file: the address must name a user"):
        with_password(url, path, "--x-password-file")


@pytest.mark.parametrize("text", [None, "", "\n", "two\nlines", "\xff"])
def test_a_file_without_one_line_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "password"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(MisconfiguredError, match=f"--x-password-file {path}"):
        with_password("mqtt://me@broker", path, "--x-password-file")


def test_a_mistyped_address_is_named_without_its_password() -> None:
    for wrong in (async_url, broker_address):
        with pytest.raises(MisconfiguredError) as caught:
            wrong("htp://me:p4ssw0rd@broker")
        assert "p4ssw0rd" not in str(caught.value)
