"""Region profiles: what each region's rules allow, and the words beside a personal price. Signed files, data not code.

A profile is a YAML file whose last line is `signature: BASE64`, Ed25519 over a context, the region's name and every
byte above that line. Profiles of edge/policies are signed with the project's key (docs/decisions/0007), an operator's
own one with the operator's. What is not signed, or altered, is refused and the node falls back to `qr_only`.
"""

from __future__ import annotations

import base64
import binascii
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.config.vision import Mode
from edge.policies import PROJECT_KEY

REGION_CONTEXT = b"vitrina/region-profile/v1\0"
MOST_BYTES = 16 * 1024
_FOLDER = "edge.policies"
_MARK = b"signature: "


class UnknownRegionError(ValueError):
    """No profile of that name; the message lists those there are."""


class RefusedProfileError(ValueError):
    """The profile is not signed, was altered, or says what no profile may. The message is a clause for people."""


class RegionProfile(BaseModel):
    """`needs_document`: modes granted only under a signed site policy. `forbidden`: never granted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    default_mode: Mode
    needs_document: frozenset[Mode] = frozenset()
    forbidden: frozenset[Mode] = frozenset()
    basis: str = ""
    disclosure: dict[str, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _default_is_free(self) -> RegionProfile:
        restricted = self.needs_document | self.forbidden
        if self.default_mode in restricted:
            raise ValueError("default_mode: must be granted without a document")
        if "qr_only" in restricted:
            raise ValueError("qr_only: is allowed everywhere")
        if "open" not in restricted:
            raise ValueError("open: must need a document or be forbidden")
        return self


@cache
def regions() -> tuple[str, ...]:
    """Names of all shipped profiles."""
    names = (entry.name for entry in files(_FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def region_profile(name: str) -> RegionProfile:
    """A shipped profile. UnknownRegionError, RefusedProfileError."""
    if name not in regions():
        raise UnknownRegionError(f"there is no region {name!r}; choose one of: {', '.join(regions())}")
    return read_profile(files(_FOLDER).joinpath(f"{name}.yaml").read_bytes(), name, base64.b64decode(PROJECT_KEY))


def own_profile(path: Path, name: str, operator_key: bytes | None) -> RegionProfile:
    """An operator's own profile, under a name that is not shipped. UnknownRegionError, RefusedProfileError."""
    if name in regions():
        raise UnknownRegionError(f"{name!r} is a region of the project; give your own profile another name")
    if operator_key is None:
        raise RefusedProfileError(f"the profile of region {name} can not be checked: trust.operator_key is not set")
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise RefusedProfileError(f"the profile of region {name} can not be read: {error.strerror}") from None
    return read_profile(text, name, operator_key)


def read_profile(text: bytes, name: str, key: bytes) -> RegionProfile:
    """Check the signature, then read. RefusedProfileError."""
    if len(text) > MOST_BYTES:
        raise RefusedProfileError(f"the profile of region {name} is larger than {MOST_BYTES} bytes")
    body, signature = _parts(text)
    if not signature:
        raise RefusedProfileError(f"the profile of region {name} is not signed")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(_strict_base64(signature), _covered(name, body))
    except (InvalidSignature, ValueError):
        raise RefusedProfileError(
            f"the profile of region {name} was altered, or is not signed by the key it is checked with"
        ) from None
    return _parsed(body, name)


def sign_profile(text: bytes, name: str, key: Ed25519PrivateKey) -> bytes:
    """The same profile with a (new) signature as its last line. RefusedProfileError when it would not be accepted."""
    body, _ = _parts(text)
    if body and not body.endswith(b"\n"):
        body += b"\n"
    _parsed(body, name)
    return body + _MARK + base64.b64encode(key.sign(_covered(name, body))) + b"\n"


def _covered(name: str, body: bytes) -> bytes:
    return REGION_CONTEXT + name.encode() + b"\0" + body


def _parts(text: bytes) -> tuple[bytes, bytes]:
    """What is signed, and the signature: empty unless it is the last line, ended by one line feed."""
    body, mark, signature = text.rpartition(b"\n" + _MARK)
    if not mark:
        return text, b""
    whole = signature.endswith(b"\n") and signature.count(b"\n") == 1
    return body + b"\n", signature[:-1] if whole else b""


def _strict_base64(text: bytes) -> bytes:
    """One spelling only, so that no byte of the file can change unnoticed. ValueError."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw) != text:
        raise binascii.Error("not the canonical spelling")
    return raw


def _parsed(body: bytes, name: str) -> RegionProfile:
    try:
        return RegionProfile.model_validate(yaml.safe_load(body.decode()))
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "not YAML in UTF-8"
        raise RefusedProfileError(f"the profile of region {name} is malformed: {problem}") from None
