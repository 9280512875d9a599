"""Central's keys: Ed25519 for what it says, X25519 (HPKE, RFC 9180) for what is sealed to it, and a pepper."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from central.errors import MisconfiguredError, RejectedError

SUBJECT_KEY_INFO = b"vitrina/subject-key/v1"
_RAW = 32
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class Keys:
    """Never printed: the representation shows nothing."""

    signing: Ed25519PrivateKey
    sealing: X25519PrivateKey
    pepper: bytes
    """32 bytes: identifiers are matched by their HMAC under it, so that the database alone gives none away."""

    def __repr__(self) -> str:
        return "Keys(...)"

    def sign(self, message: bytes) -> bytes:
        """64-byte Ed25519 signature."""
        return self.signing.sign(message)

    def rewrap(self, sealed_key: str, node_key: str) -> str:
        """A subject's key, sealed to us, sealed again to a node (both base64). RejectedError when it is not for us."""
        try:
            subject_key = _SUITE.decrypt(base64.b64decode(sealed_key), self.sealing, info=SUBJECT_KEY_INFO)
        except (InvalidTag, ValueError):
            raise RejectedError("sealed_key: not sealed to this central's key") from None
        return seal_subject_key(subject_key, node_key)

    def public(self) -> dict[str, str]:
        """The public halves, base64 of 32 raw bytes, under the names of the edge's `trust:` section."""
        return {
            "central_signing_key": _text(self.signing.public_key().public_bytes_raw()),
            "central_sealing_key": _text(self.sealing.public_key().public_bytes_raw()),
        }


def seal_subject_key(subject_key: bytes, recipient: str) -> str:
    """HPKE to an X25519 public key (base64, raw); RejectedError when that is not a key."""
    try:
        public = X25519PublicKey.from_public_bytes(base64.b64decode(recipient))
    except ValueError:
        raise RejectedError("public_key: not an X25519 key") from None
    return _text(_SUITE.encrypt(subject_key, public, info=SUBJECT_KEY_INFO))


def load_or_create(folder: Path) -> Keys:
    """Keys of `folder/keys.json`, made at the first start, readable by the owner alone."""
    own = _read(folder / "keys.json", _new_keys, "a new one would orphan nodes")
    matching = _read(folder / "pepper.json", _new_pepper, "a new one would match no known e-mail, card or visitor")
    return Keys(
        Ed25519PrivateKey.from_private_bytes(own["signing"]),
        X25519PrivateKey.from_private_bytes(own["sealing"]),
        matching["pepper"],
    )


def _new_keys() -> dict[str, bytes]:
    return {
        "signing": Ed25519PrivateKey.generate().private_bytes_raw(),
        "sealing": X25519PrivateKey.generate().private_bytes_raw(),
    }


def _new_pepper() -> dict[str, bytes]:
    return {"pepper": secrets.token_bytes(_RAW)}


def _read(path: Path, new: Callable[[], dict[str, bytes]], loss: str) -> dict[str, bytes]:
    wanted = new()
    if not path.exists():
        _create(path, {name: _text(raw) for name, raw in wanted.items()})
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        found = {name: base64.b64decode(body[name]) for name in wanted}
    except (ValueError, KeyError, TypeError):
        found = {}
    except OSError as error:
        raise MisconfiguredError(f"{path}: cannot be read: {error.strerror}") from None
    if not found or any(len(raw) != _RAW for raw in found.values()):
        raise MisconfiguredError(f"{path}: not a key file; restore it from a backup ({loss})")
    return found


def _create(path: Path, body: Mapping[str, str]) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(body, file)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process (a command line beside `run`) made it first: its keys are the keys
    except OSError as error:
        raise MisconfiguredError(f"{path}: cannot be written: {error.strerror}; choose another --data") from None
    finally:
        temporary.unlink(missing_ok=True)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
