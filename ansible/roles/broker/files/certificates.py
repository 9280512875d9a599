"""Certificates of the broker: `python certificates.py NODES.json FOLDER NAME...`; prints "changed" or "unchanged".

FOLDER gets an authority of this store's own (`ca.pem`, `ca.key`), the broker's certificate for the NAMEs (addresses or
host names by which it is reached) and one for each account, all EC P-256. Whatever ends within a year, or is for other
names, is made anew; what belongs to no account any more is removed. Keys are 0600.
"""

from __future__ import annotations

import ipaddress
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY, BROKER = "ca", "broker"
AUTHORITY_DAYS, LEAF_DAYS, RENEW_DAYS = 20 * 365, 825, 365
BACKDATED = timedelta(days=1)
"""A machine whose clock is a little slow accepts a certificate that was just made."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def write(users: list[str], names: list[str], folder: Path, now: datetime) -> bool:
    """Bring the folder to these accounts and names of the broker; whether anything changed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _load(folder, AUTHORITY)
    changed = False
    if authority is None:
        authority = _authority(now)
        _save(folder, AUTHORITY, authority)
        changed = True
    for user in [BROKER, *users]:
        alternatives = [_general_name(name) for name in sorted(set(names))] if user == BROKER else []
        found = _load(folder, user)
        if found is None or not _fits(found.certificate, authority, alternatives, now):
            _save(folder, user, _leaf(user, alternatives, authority, now))
            changed = True
    for stale in folder.iterdir():
        if stale.stem not in {AUTHORITY, BROKER, *users}:
            stale.unlink()
            changed = True
    return changed


def _authority(now: datetime) -> Pair:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("Vitrina broker authority")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = _begun(name, name, key, now, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True).add_extension(identifier, critical=False)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def _leaf(user: str, alternatives: list[x509.GeneralName], authority: Pair, now: datetime) -> Pair:
    """The broker serves, the accounts are its clients: neither can stand in for the other."""
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if alternatives else ExtendedKeyUsageOID.CLIENT_AUTH
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = _begun(_name(user), authority.certificate.subject, key, now, LEAF_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(issuer, critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - BACKDATED).not_valid_after(now + timedelta(days=days))


def _fits(found: x509.Certificate, authority: Pair, alternatives: list[x509.GeneralName], now: datetime) -> bool:
    if found.not_valid_after_utc < now + timedelta(days=RENEW_DAYS):
        return False
    try:
        found.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    try:
        said = list(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        said = []
    return said == alternatives


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _load(folder: Path, name: str) -> Pair | None:
    """None where a half is missing: a run that was cut off made no pair."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    except (OSError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return Pair(certificate, key)


def _save(folder: Path, name: str, pair: Pair) -> None:
    plain = serialization.NoEncryption()
    key = pair.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    for ending, content in (("key", key), ("pem", pair.certificate.public_bytes(serialization.Encoding.PEM))):
        temporary = folder / f".{name}.{ending}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(folder / f"{name}.{ending}")


def main(nodes_file: str, folder: str, *names: str) -> None:
    """Every node of the list, and central."""
    nodes = json.loads(Path(nodes_file).read_text(encoding="utf-8"))
    users = ["central", *(f"{item['store']}.{item['node']}" for item in nodes)]
    print("changed" if write(users, list(names), Path(folder), datetime.now(UTC)) else "unchanged")


if __name__ == "__main__":
    main(*sys.argv[1:])
