"""Customers: reading, logging in to their page, certifying their phone."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.errors import RejectedError
from central.keys import Keys
from central.privacy import texts
from central.privacy.service import purposes_of
from central.privacy.tables import SubjectConsent
from central.privacy.vault import Vault
from central.profiles.schemas import CertificateOut, CodeOut, ConsentsOut, ConsentText, CustomerOut, ProfileData
from central.profiles.tables import Customer, CustomerSession, LoginCode
from central.staff.passwords import new_token, token_hash
from contract.checkin import Certificate
from contract.events import PURPOSES

CODE_LIFETIME = timedelta(minutes=15)
PAGE_LIFETIME = timedelta(days=30)
CERTIFICATE_LIFETIME = timedelta(days=30)
UNNAMED = "a guest"
"""Shown for a row whose key is gone."""
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def open_profile(vault: Vault, row: Customer) -> ProfileData:
    """What is sealed in the row; "a guest" with nothing when the key is gone."""
    try:
        return ProfileData.model_validate(vault.open(row.subject, row.sealed))
    except ValidationError:
        return ProfileData(name=UNNAMED)


async def names(session: AsyncSession, vault: Vault, subjects: Iterable[str]) -> dict[str, str]:
    """Names by subject, of those who are customers. The caller looks at their consents first."""
    rows = (await session.scalars(select(Customer).where(Customer.subject.in_(set(subjects))))).all()
    return {row.subject: open_profile(vault, row).name for row in rows}


async def customer(session: AsyncSession, vault: Vault, customer_id: str) -> CustomerOut | None:
    """One customer as they allow: without consent to a profile only the name by which staff serve them."""
    row = await session.get(Customer, customer_id)
    if row is None:
        return None
    purposes = await purposes_of(session, row.subject)
    profile = purposes.get("profile", False)
    data = open_profile(vault, row)
    return CustomerOut(
        id=row.id,
        name=data.name,
        language=row.language,
        subject=row.subject,
        interests=data.interests if profile else [],
        bonuses_minor=row.bonuses_minor if profile else 0,
        discount_share=row.discount_share if profile else 0.0,
        consents=purposes,
    )


async def login_code(session: AsyncSession, customer_id: str, now: datetime) -> CodeOut | None:
    """A one-time code of 40 random bits, valid for a quarter of an hour; tries are limited."""
    if await session.get(Customer, customer_id) is None:
        return None
    code = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    session.add(LoginCode(code_hash=token_hash(code), customer=customer_id, expires_at=now + CODE_LIFETIME))
    return CodeOut(code=code, expires_at=now + CODE_LIFETIME)


async def log_in(session: AsyncSession, code: str, now: datetime) -> str | None:
    """Use up a code; the token of the new session, or None."""
    statement = (
        delete(LoginCode)
        .where(LoginCode.code_hash == token_hash(code.strip().upper()))
        .returning(LoginCode.customer, LoginCode.expires_at)
    )
    used = (await session.execute(statement)).first()
    if used is None or used[1] < now:
        return None
    token = new_token()
    session.add(
        CustomerSession(
            token_hash=token_hash(token),
            customer=used[0],
            csrf=secrets.token_urlsafe(24),
            expires_at=now + PAGE_LIFETIME,
        )
    )
    return token


async def log_out(session: AsyncSession, token: str) -> None:
    """End the session."""
    await session.execute(delete(CustomerSession).where(CustomerSession.token_hash == token_hash(token)))


def compressed_point(public_key: str) -> bytes:
    """A P-256 key (base64 of a compressed point, or of SPKI DER) as 33 bytes; RejectedError when it is none."""
    try:
        raw = base64.b64decode(public_key, validate=True)
        if len(raw) == 33:
            key: object = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        else:
            key = load_der_public_key(raw)
    except ValueError:
        raise RejectedError("public_key: neither a compressed P-256 point nor SPKI, in base64") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RejectedError("public_key: the key must be on the curve P-256")
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def certify(keys: Keys, subject: str, public_key: str, now: datetime) -> CertificateOut:
    """Central's certificate for a phone key (contract.checkin)."""
    not_after = now + CERTIFICATE_LIFETIME
    unsigned = Certificate(bytes.fromhex(subject), compressed_point(public_key), int(not_after.timestamp()))
    signature = keys.sign(unsigned.signed_part())
    whole = Certificate(unsigned.subject, unsigned.phone_key, unsigned.not_after, signature)
    return CertificateOut(certificate=base64.b64encode(whole.encode()).decode(), not_after=not_after)


async def consents(session: AsyncSession, subject: str) -> ConsentsOut:
    """What applies to this person now."""
    row = await session.get(SubjectConsent, subject)
    purposes = dict(row.purposes) if row else {}
    return ConsentsOut(
        purposes={purpose: purposes.get(purpose, False) for purpose in PURPOSES},
        text_version=row.text_version if row else None,
        at=row.given_at if row else None,
        current_text=ConsentText(version=texts.VERSION, sha256=texts.SHA256, text=dict(texts.TEXT)),
    )
