"""`python -m edge policy keygen | sign | verify`: keys and signatures of region profiles and site policies."""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from contract.clock import Clock
from edge.errors import NodeError
from edge.policies import PROJECT_KEY
from edge.policy import PolicyRefusedError, SitePolicy, check_policy, sign_policy
from edge.regions import RefusedProfileError, read_profile, sign_profile

OK, REFUSED = 0, 1
_PROFILE, _POLICY = ".yaml", ".json"
_KINDS = "FILE is a region profile (NAME.yaml, its name is the region) or a site policy (.json)."


def add_parser(parser: argparse.ArgumentParser) -> None:
    """The three commands."""
    commands = parser.add_subparsers(required=True, metavar="ACTION")
    make = commands.add_parser("keygen", help="make an operator's key", description="Make an Ed25519 key pair.")
    make.add_argument("file", type=Path, metavar="KEY.pem", help="new file for the private half; keep it offline")
    make.set_defaults(act=_keygen)
    sign = commands.add_parser("sign", help="sign a file in place", description=f"Sign a file in place. {_KINDS}")
    sign.add_argument("file", type=Path, metavar="FILE")
    sign.add_argument("--key", type=Path, required=True, metavar="KEY.pem", help="the private half")
    sign.set_defaults(act=_sign)
    verify = commands.add_parser(
        "verify", help="check a file's signature",
        description=f"Check a file's signature; exit code 1 when a node would refuse it. {_KINDS}",
    )  # fmt: skip
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.add_argument(
        "--public", metavar="BASE64", help="the signer's public half, as in trust.operator_key (default: the project's)"
    )
    verify.set_defaults(act=_verify)


def _keygen(options: argparse.Namespace, _clock: Clock) -> int:
    key = Ed25519PrivateKey.generate()
    try:
        file = os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise NodeError(f"{options.file}: exists already; a key is never overwritten") from None
    except OSError as error:
        raise NodeError(f"{options.file}: {error.strerror}") from None
    with os.fdopen(file, "wb") as pem:
        pem.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    print(f"public half, for trust.operator_key: {_public(key)}")
    return OK


def _sign(options: argparse.Namespace, _clock: Clock) -> int:
    key, text = _key(options.key), _read(options.file)
    try:
        signed = sign_profile(text, _region(options.file), key) if _is_profile(options.file) else _policy(text, key)
    except RefusedProfileError as error:
        raise NodeError(f"{options.file}: {error}") from None
    part = options.file.with_name(f".{options.file.name}.{secrets.token_hex(4)}")
    try:
        part.write_bytes(signed)
        part.replace(options.file)
    except OSError as error:
        raise NodeError(f"{options.file}: {error.strerror}") from None
    print(f"signed: {options.file}, to be checked with the public half {_public(key)}")
    return OK


def _verify(options: argparse.Namespace, clock: Clock) -> int:
    text, profile = _read(options.file), _is_profile(options.file)
    if options.public is None and not profile:
        raise NodeError("--public: needed for a site policy: the operator's public half")
    key = _decoded(options.public or PROJECT_KEY)
    try:
        if profile:
            granted = read_profile(text, _region(options.file), key)
            print(f"in order: region {_region(options.file)}, {granted.title}, default mode {granted.default_mode}")
        else:
            policy = check_policy(text, key)
            state = "" if policy.issued_at <= clock.now() < policy.expires_at else ", but not valid today"
            until = f"{policy.issued_at:%Y-%m-%d} to {policy.expires_at:%Y-%m-%d}"
            print(f"in order: store {policy.store}, mode {policy.mode} in {policy.region}, {until}{state}")
    except (RefusedProfileError, PolicyRefusedError) as refusal:
        print(f"refused: {refusal}")
        return REFUSED
    return OK


def _policy(text: bytes, key: Ed25519PrivateKey) -> bytes:
    try:
        return sign_policy(SitePolicy.model_validate({**json.loads(text), "signature": ""}), key)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "document"
        raise NodeError(f"the site policy: {where}: {problem['msg']}") from None
    except (ValueError, TypeError, RecursionError):
        raise NodeError("the site policy is not a JSON object") from None


def _is_profile(file: Path) -> bool:
    if file.suffix not in (_PROFILE, _POLICY):
        raise NodeError(f"{file}: {_KINDS}")
    return file.suffix == _PROFILE


def _region(file: Path) -> str:
    return file.stem


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NodeError(f"{file}: {error.strerror}") from None


def _key(file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(_read(file), None)
    except (ValueError, TypeError):
        raise NodeError(f"--key: {file}: not a private key in PEM without a passphrase") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NodeError(f"--key: {file}: not an Ed25519 key; make one with `python -m edge policy keygen`")
    return key


def _decoded(public: str) -> bytes:
    try:
        raw = base64.b64decode(public, validate=True)
    except (binascii.Error, ValueError):
        raise NodeError("--public: not base64") from None
    if len(raw) != 32:
        raise NodeError(f"--public: an Ed25519 public key has 32 bytes, this one {len(raw)}")
    return raw


def _public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()
