"""The node's own key (X25519): central seals subjects' keys to it. It never leaves the state directory."""

from __future__ import annotations

import base64
import logging
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.errors import NodeError

log = logging.getLogger(__name__)

FILE = "node.key"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class NodeKey:
    """The private half; its representation shows nothing."""

    private: X25519PrivateKey

    def __repr__(self) -> str:
        return "NodeKey(...)"

    @property
    def public(self) -> str:
        """The public half, raw, base64: `status.public_key`."""
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()


def load_or_create(state_dir: Path) -> NodeKey:
    """The key of this node, made at the first start with mode 0600. NodeError when the file cannot be used."""
    path = state_dir / FILE
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        _restrict(path)
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise NodeError(f"{path}: {error}; the state directory must belong to the user the node runs as") from None
    return NodeKey(_parse(text, path))


def _create(path: Path) -> None:
    raw = X25519PrivateKey.generate().private_bytes_raw()
    temporary = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(raw) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces: of two processes that start together, one makes the key and both use it.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _restrict(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        log.warning("%s could be read by others: mode set to 0600; consider replacing the key", path.name)
        path.chmod(0o600)


def _parse(text: str, path: Path) -> X25519PrivateKey:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
        if len(raw) != _BYTES:
            raise ValueError
        return X25519PrivateKey.from_private_bytes(raw)
    except ValueError:
        raise NodeError(
            f"{path}: not a node key. Move it away and start again: a new key is made, "
            "and an administrator accepts it on central's nodes page"
        ) from None
