"""Consents (a hash chain), sealed templates, which node holds them until when, and who read which profile."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey


class ConsentRecord(Base):
    """One decision of one person. `hash` covers the row and the hash before it: a changed byte is found."""

    __tablename__ = "consent_records"
    __table_args__ = (Index("ix_consent_records_subject", "subject"),)

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

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    purposes: Mapped[dict[str, bool]]
    text_version: Mapped[str] = mapped_column(String(40))
    given_at: Mapped[datetime]
    identify_withdrawn_at: Mapped[datetime | None]
    """A template whose consent is older than this is not taken in."""


class Template(Base):
    """A face template nobody here can read: sealed under the subject's key, which is sealed to central."""

    __tablename__ = "templates"
    __table_args__ = (Index("ix_templates_subject", "subject"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64))
    model_sha256: Mapped[str] = mapped_column(String(64))
    sealed_template: Mapped[str] = mapped_column(Text)
    sealed_key: Mapped[str] = mapped_column(Text)
    enrolled_at: Mapped[datetime]


class Lease(Base):
    """Until when a node may hold a template."""

    __tablename__ = "gallery_leases"

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    template: Mapped[str] = mapped_column(String(64), primary_key=True)
    sent_at: Mapped[datetime]
    lease_until: Mapped[datetime]


class ProfileRead(Base):
    """Who looked at whose profile, when and where (PRIVACY P11)."""

    __tablename__ = "profile_reads"
    __table_args__ = (Index("ix_profile_reads_customer", "customer"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    reader: Mapped[str] = mapped_column(String(100))
    customer: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


class ConsentHead(Base):
    """The end of the chain; locked while a record is added (one row)."""

    __tablename__ = "consent_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigKey)
    hash: Mapped[str] = mapped_column(String(64))
