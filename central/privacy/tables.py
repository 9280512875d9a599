"""Consents (a hash chain), sealed templates, which node holds them until when, and who read which profile."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict
from central.holdings import NOBODY, holds


class ConsentRecord(Base):
    """One decision of one person. `hash` covers the row and the hash before it: a changed byte is found."""

    __tablename__ = "consent_records"
    __table_args__ = (
        Index("ix_consent_records_subject", "subject"),
        {"info": holds("subject", "keep", why="proof of what was agreed to and when it was taken back")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(64))
    purposes: Mapped[dict[str, bool]]
    text_version: Mapped[str] = mapped_column(String(40))
    text_sha256: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(20))
    given_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class SubjectConsent(Base):
    """What applies now: the record with the latest `given_at`, however late it came."""

    __tablename__ = "subject_consents"
    __table_args__ = ({"info": holds("subject", "keep", why="what comes late about the person is not taken in")},)

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    purposes: Mapped[dict[str, bool]]
    text_version: Mapped[str] = mapped_column(String(40))
    given_at: Mapped[datetime]
    identify_withdrawn_at: Mapped[datetime | None]
    """A template whose consent is older than this is not taken in."""
    seen_at: Mapped[datetime | None]
    """The last visit that named them, kept for retention (privacy.idle)."""


class Template(Base):
    """A face template nobody here can read: sealed under the subject's key, which is sealed to central.

    That sealed key is sealed once more under the person's key in the vault: central's own key and a backup of this
    table open nothing once the person was erased.
    """

    __tablename__ = "templates"
    __table_args__ = (Index("ix_templates_subject", "subject"), {"info": holds("subject", "delete")})

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64))
    model_sha256: Mapped[str] = mapped_column(String(64))
    sealed_template: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The key as the node sent it (HPKE to central, base64), under the person's key."""
    enrolled_at: Mapped[datetime]


class Lease(Base):
    """Until when a node may hold a template."""

    __tablename__ = "gallery_leases"
    __table_args__ = ({"info": holds("template", "delete")},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    template: Mapped[str] = mapped_column(String(64), primary_key=True)
    sent_at: Mapped[datetime]
    lease_until: Mapped[datetime]


class ProfileRead(Base):
    """Who looked at whose profile, when and where (PRIVACY P11). `hash` covers the row and the hash before it."""

    __tablename__ = "profile_reads"
    __table_args__ = (
        Index("ix_profile_reads_subject", "subject"),
        Index("ix_profile_reads_store_at", "store", "at"),
        {"info": holds("subject", "keep", why="who looked at whom must stay provable")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    store: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(64))
    reader: Mapped[str] = mapped_column(String(100))
    """`staff:NAME`, `machine:ROLE-TOKEN`, or `customer` for themselves."""
    place: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class Erasure(Base):
    """An erasure on its way, and afterwards its receipt: which names nobody."""

    __tablename__ = "erasures"
    __table_args__ = (
        Index("ix_erasures_state", "state"),
        {"info": holds("subject", "keep", why="forgotten when the erasure is complete", export=False)},
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Random: whoever has it may read the receipt."""
    state: Mapped[str] = mapped_column(String(8))
    """`asked`: rows are gone, keys are to be destroyed; `cleaning`: keys are destroyed; `done`."""
    subject: Mapped[str | None] = mapped_column(String(64))
    owners: Mapped[list[str]]
    """Whose keys are to be destroyed; empty when done."""
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(100))
    completed_at: Mapped[datetime | None]
    rows: Mapped[JsonDict]
    """How many rows were deleted or detached, by table."""
    keys: Mapped[int]


class ConsentHead(Base):
    """The end of a chain, locked while a record is added: 1 the consents, 2 the reads of profiles."""

    __tablename__ = "consent_head"
    __table_args__ = ({"info": NOBODY},)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigKey)
    hash: Mapped[str] = mapped_column(String(64))
