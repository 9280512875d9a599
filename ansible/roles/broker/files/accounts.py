"""Broker accounts: `python accounts.py NODES.json PASSWORDS_DIR PASSWD_FILE`; prints "changed" or "unchanged".

Makes a random password for each account that has none (one file each, 0600), forgets those of accounts that are gone,
and writes mosquitto's password file ($7$: PBKDF2-HMAC-SHA512), leaving lines that still fit as they are.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
from pathlib import Path

ITERATIONS = 10_000
_SALT = 12


def password_of(folder: Path, user: str) -> str:
    """The password of an account, made when there is none."""
    path = folder / user
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    return path.read_text(encoding="ascii").strip()


def line_of(user: str, password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """A line of mosquitto's password file."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"{user}:$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def fits(line: str, user: str, password: str) -> bool:
    """Whether a line is this account's with this password."""
    try:
        _, scheme, iterations, salt, _ = line.split("$")
        expected = line_of(user, password, base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    return scheme == "7" and hmac.compare_digest(line, expected)


def write(users: list[str], folder: Path, passwd: Path) -> bool:
    """Bring passwords and file to this list of accounts; whether anything changed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for stale in [path for path in folder.iterdir() if path.name not in users]:
        stale.unlink()
    before = passwd.read_text(encoding="ascii").splitlines() if passwd.exists() else []
    old = {line.partition(":")[0]: line for line in before}
    after = []
    for user in users:
        password = password_of(folder, user)
        kept = old.get(user, "")
        after.append(kept if fits(kept, user, password) else line_of(user, password, secrets.token_bytes(_SALT)))
    if after == before:
        return False
    temporary = passwd.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text("\n".join(after) + "\n", encoding="ascii")
    temporary.replace(passwd)
    return True


def main(nodes_file: str, folder: str, passwd: str) -> None:
    """Every node of the list, and central."""
    nodes = json.loads(Path(nodes_file).read_text(encoding="utf-8"))
    users = ["central", *(f"{item['store']}.{item['node']}" for item in nodes)]
    print("changed" if write(users, Path(folder), Path(passwd)) else "unchanged")


if __name__ == "__main__":
    main(*sys.argv[1:])
