"""Consents, sealed templates on their way to nodes, withdrawal, retention."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from sqlalchemy import func, select, update

from central.alerts.tables import Alert
from central.background import Background
from central.fleet import service as fleet
from central.ingest.tables import Event
from central.keys import SUBJECT_KEY_INFO, seal_subject_key
from central.privacy import service
from central.privacy.retention import forget_old
from central.privacy.tables import ConsentRecord, Template
from central.visits.tables import Visit
from contract.events import PURPOSES, ConsentGiven, EnrolmentCompleted, EnrolmentWithdrawn, VisitStarted

SUBJECT = "a" * 32
KEY = bytes(range(32))
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _node_key() -> tuple[X25519PrivateKey, str]:
    key = X25519PrivateKey.generate()
    return key, base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _enrolment(shop: Any, template: str = "t1", **changes: Any) -> EnrolmentCompleted:
    consent = ConsentGiven(
        text_version="1",
        text_sha256="0" * 64,
        purposes=dict.fromkeys(PURPOSES, True),
        channel="command_line",
        at=changes.pop("consented_at", shop.now),
    )
    fields = {
        "subject": SUBJECT,
        "template": template,
        "model_sha256": "1" * 64,
        "sealed_template": base64.b64encode(bytes(1052)).decode(),
        "sealed_key": seal_subject_key(KEY, shop.runtime.keys.public()["central_sealing_key"]),
        "consent": consent,
        "at": shop.now,
    }
    return EnrolmentCompleted(**{**fields, **changes})


async def _templates(shop: Any) -> int:
    async with shop.runtime.db.read() as session:
        return await session.scalar(select(func.count()).select_from(Template)) or 0


async def test_a_template_reaches_the_node_sealed_to_its_key(shop: Any) -> None:
    private, public = _node_key()
    await shop.load()
    await shop.birth(public_key=public)
    await shop.feed(_enrolment(shop, "t1"), _enrolment(shop, "t2"))
    background = Background(shop.runtime)
    await background.deliver()
    puts = shop.commands("gallery.put")
    assert {put.template for put in puts} == {"t1", "t2"}
    assert all(SUITE.decrypt(base64.b64decode(put.sealed_key), private, info=SUBJECT_KEY_INFO) == KEY for put in puts)
    assert all(put.lease_until == shop.now + timedelta(hours=24) for put in puts)
    await background.deliver()
    assert len(shop.commands("gallery.put")) == 2
    shop.wait(6 * 3600 + 1)
    await background.deliver()
    assert len(shop.commands("gallery.put")) == 4
    await shop.birth(public_key=public)
    await background.deliver()
    assert len(shop.commands("gallery.put")) == 6


async def test_one_consent_for_several_templates_is_chained_once(shop: Any) -> None:
    await shop.load()
    await shop.feed(_enrolment(shop, "t1"), _enrolment(shop, "t2"), _enrolment(shop, "t3"))
    async with shop.runtime.db.read() as session:
        records = (await session.scalars(select(ConsentRecord))).all()
        assert await service.verify_chain(session) is None
    assert [record.channel for record in records] == ["import", "command_line"]


async def test_a_changed_key_gets_nothing_until_an_administrator_accepts_it(shop: Any) -> None:
    await shop.load()
    await shop.birth(public_key=_node_key()[1])
    await shop.feed(_enrolment(shop))
    await shop.birth(public_key=_node_key()[1])
    background = Background(shop.runtime)
    await background.deliver()
    assert shop.commands("gallery.put") == []
    async with shop.runtime.db.read() as session:
        (node,) = await fleet.nodes(session, "shop", shop.now, shop.runtime.settings)
    assert node.key_state == "changed"
    async with shop.runtime.change() as effects:
        await fleet.accept_key(effects, "shop", "node-1")
    await background.deliver()
    assert len(shop.commands("gallery.put")) == 1


async def test_withdrawal_drops_everywhere_and_deletes(shop: Any) -> None:
    await shop.load()
    await shop.birth(public_key=_node_key()[1])
    await shop.feed(_enrolment(shop))
    await shop.arrive()
    shop.wait(1)
    await shop.feed(EnrolmentWithdrawn(subject=SUBJECT, at=shop.now))
    (drop,) = shop.commands("gallery.drop")
    assert (drop.subject, drop.reason) == (SUBJECT, "withdrawn")
    assert await _templates(shop) == 0
    await Background(shop.runtime).deliver()
    assert shop.commands("gallery.put") == []


async def test_an_offline_node_is_told_to_drop_when_it_comes_back(shop: Any) -> None:
    from contract.state import Status

    private = _node_key()[1]
    await shop.load()
    await shop.birth(public_key=private)
    await shop.feed(_enrolment(shop))
    await shop.feed(Status(state="offline", session="outbox-1"))
    shop.bus.connected = False
    shop.wait(1)
    await shop.feed(EnrolmentWithdrawn(subject=SUBJECT, at=shop.now))
    shop.bus.connected = True
    shop.wait(3600)
    background = Background(shop.runtime)
    await background.resend()
    assert shop.commands("gallery.drop") == []
    await shop.birth(public_key=private)
    await background.resend()
    assert [drop.subject for drop in shop.commands("gallery.drop")] == [SUBJECT]


async def test_a_template_older_than_the_withdrawal_is_not_taken_in(shop: Any) -> None:
    await shop.load()
    await shop.feed(EnrolmentWithdrawn(subject=SUBJECT, at=shop.now))
    await shop.feed(_enrolment(shop, consented_at=shop.now - timedelta(minutes=1)))
    assert await _templates(shop) == 0


async def test_a_changed_record_is_found(shop: Any) -> None:
    await shop.load()
    await shop.feed(_enrolment(shop))
    async with shop.runtime.db.write() as session:
        await session.execute(update(ConsentRecord).where(ConsentRecord.id == 1).values(channel="kiosk"))
    async with shop.runtime.db.read() as session:
        assert await service.verify_chain(session) == 1


async def test_the_template_is_kept_in_its_table_alone(shop: Any) -> None:
    await shop.load()
    enrolment = _enrolment(shop)
    await shop.feed(enrolment)
    async with shop.runtime.db.read() as session:
        rows = (await session.scalars(select(Event.data))).all()
    assert enrolment.sealed_template not in str(rows)
    assert enrolment.sealed_key not in str(rows)


async def test_events_go_after_thirty_days(shop: Any) -> None:
    await shop.load()
    await shop.arrive("old")
    shop.wait(20 * 86400)
    await shop.feed(VisitStarted(visit="new", method="qr", device="d", at=shop.now))
    shop.wait(10 * 86400 + 1)
    async with shop.runtime.db.write() as session:
        await forget_old(session, shop.now, shop.runtime.settings)
    async with shop.runtime.db.read() as session:
        left = (await session.scalars(select(Event.visit))).all()
        named = (await session.scalars(select(Visit.id).where(Visit.subject.is_not(None)))).all()
        cards = (await session.scalars(select(Alert.id))).all()
    assert (list(left), list(named), list(cards)) == (["new"], [], [])
