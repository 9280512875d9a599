"""Keys of persons: sealed data opens for its owner alone and never again after erasure."""

from __future__ import annotations

from pathlib import Path

import pytest

from central.errors import MisconfiguredError
from central.privacy.vault import Erased, FileVault


def test_what_is_sealed_opens_for_its_owner_alone(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "keys.db")
    sealed = vault.seal("anna", {"name": "Анна"})
    assert "Анна".encode() not in sealed
    assert vault.open("anna", sealed) == {"name": "Анна"}
    vault.seal("boris", 1)
    assert vault.open("boris", sealed) is None
    assert vault.open("nobody", sealed) is None
    assert vault.open("anna", None) is None
    assert vault.open("anna", sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    vault.close()
    assert FileVault(tmp_path / "keys.db").open("anna", sealed) == {"name": "Анна"}


def test_a_destroyed_key_is_nowhere_in_the_file_and_never_made_again(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    vault = FileVault(path)
    sealed = vault.seal("anna", "secret")
    key = vault._connection.execute("SELECT key FROM keys").fetchone()[0]
    assert key in path.read_bytes()
    vault.destroy(["anna", "anna"])
    assert vault.open("anna", sealed) is None
    with pytest.raises(Erased):
        vault.seal("anna", "again")
    assert all(key not in file.read_bytes() for file in tmp_path.iterdir())


def test_two_processes_agree_on_a_new_key(tmp_path: Path) -> None:
    one, other = FileVault(tmp_path / "keys.db"), FileVault(tmp_path / "keys.db")
    assert other.open("anna", one.seal("anna", 1)) == 1


def test_another_process_notices_a_destroyed_key(tmp_path: Path) -> None:
    one, other = FileVault(tmp_path / "keys.db"), FileVault(tmp_path / "keys.db")
    sealed = one.seal("anna", 1)
    assert other.open("anna", sealed) == 1
    one.destroy(["anna"])
    assert other.open("anna", sealed) is None


def test_keys_made_together_are_the_keys_used_later(tmp_path: Path) -> None:
    vault = FileVault(tmp_path / "keys.db")
    before = vault.seal("anna", 1)
    vault.prepare(["anna", "boris", "boris"])
    assert vault.open("anna", before) == 1
    assert vault._connection.execute("SELECT count(*) FROM keys").fetchone()[0] == 2


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MisconfiguredError, match=r"keys\.db"):
        FileVault(tmp_path / "file" / "keys.db")
