"""Export is complete and about one person only; erasure leaves nothing readable anywhere (PRIVACY P6, P8)."""

from __future__ import annotations

import base64
import json
import logging
import shutil
import sqlite3
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text

from central.behaviour.tables import SiteEvent
from central.errors import RejectedError
from central.keys import load_or_create, seal_subject_key
from central.privacy import erasing, rights, service
from central.privacy import person as persons
from central.privacy.audit import verify_reads
from central.privacy.tables import ConsentHead, ConsentRecord, Erasure, ProfileRead, SubjectConsent, Template
from central.privacy.vault import FileVault
from central.profiles.tables import Customer
from central.tables import metadata
from contract.events import PURPOSES, ConsentGiven, EnrolmentCompleted
from tests.conftest import Cluster
from tests.security.lives import Life
from tests.security.world import ANNA, BORIS, CLARA, PERSON_MARK, World, live

SECRET, TRACE = "canary-secret-4711", "canary-trace-0815"
OTHERS = "somebody-elses-9000"
HELD = {table.name for table, holding in persons.tables() if holding.export}


async def _live_everywhere(world: World, subject: str, customer: str, secret: str, trace: str) -> Life:
    """A row in every table; those of the import are replaced."""
    runtime = world.runtime
    life = Life(subject, customer, f"visit-of-{customer}", secret, trace, runtime.vault, runtime.clock.now())
    async with runtime.db.write() as session:
        await session.execute(delete(Customer).where(Customer.subject == subject))
        await session.execute(delete(SubjectConsent).where(SubjectConsent.subject == subject))
        for statement in life.statements({"consent_records", "subject_consents", "profile_reads", "erasures"}):
            await session.execute(statement)
    async with runtime.change() as effects:
        await service.record(
            effects, subject, dict.fromkeys(PURPOSES, True), text_version="1", text_sha256="0" * 64, channel="page",
            given_at=effects.now,
        )  # fmt: skip
        await service.note_reads(effects.session, "staff:kim", [customer], "alerts", effects.now)
    return life


async def _export(world: World, subject: str) -> dict[str, Any]:
    async with world.runtime.db.read() as session:
        found = await rights.export(
            session, world.runtime.vault, world.runtime.keys, subject, world.runtime.clock.now()
        )
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


async def test_an_export_has_every_table_and_nobody_else(world: World) -> None:
    await _live_everywhere(world, ANNA, "c1", SECRET, TRACE)
    await _live_everywhere(world, CLARA, "c3", OTHERS, OTHERS)
    found = await _export(world, ANNA)
    assert HELD - set(found["tables"]) == set()
    assert {"sale_lines", "quote_discounts"} <= set(found["tables"])
    text = json.dumps(found)
    for stranger in (OTHERS, CLARA, BORIS, "visit-of-c3", "Clara", "Boris"):
        assert stranger not in text
    sealed = [name for name in HELD if "sealed" in metadata.tables[name].columns and name != "templates"]
    assert {name: found["tables"][name][0]["content"]["text"] for name in sealed} == dict.fromkeys(sealed, SECRET)
    (read,) = found["tables"]["profile_reads"]
    assert (read["reader"], read["place"]) == ("staff:kim", "alerts")
    assert "sealed" not in text.replace("unsealed", "")
    assert "csrf" not in text


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
async def test_an_export_of_five_thousand_events_is_quick(world: World) -> None:
    runtime = world.runtime
    rows = [
        {
            "source": "shop/web", "message": f"m{number}", "store": "shop", "owner": ANNA, "kind": "Product Viewed",
            "at": runtime.clock.now(), "received_at": runtime.clock.now(),
            "sealed": runtime.vault.seal(ANNA, {"sku": f"S{number}", "url": "https://shop.example/" + "x" * 100}),
        }
        for number in range(5000)
    ]  # fmt: skip
    async with runtime.db.write() as session:
        await session.execute(SiteEvent.__table__.insert(), rows)
    began = time.process_time()
    found = await _export(world, ANNA)
    spent = time.process_time() - began
    assert len(found["tables"]["site_events"]) == 5000
    assert spent < 60
    logging.getLogger(__name__).info("export of 5,000 events: %.2f s of CPU", spent)


def _needles(text: str) -> list[bytes]:
    """A canary as UTF-8, as hex, and as base64 at each of the three alignments."""
    raw = text.encode()
    found = [raw, raw.hex().encode(), raw.hex().upper().encode(), raw.decode().encode("utf-16-le")]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        found.append(coded[4 if shift else 0 : -4])
    return found


def _hits(folder: Path, *canaries: str) -> list[str]:
    needles = [needle for canary in canaries for needle in _needles(canary)]
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert files
    return [f"{path.name}: {needle!r}" for path in files for needle in needles if needle in path.read_bytes()]


def _backup(world: World, url: str, folder: Path) -> None:
    """As docs/rights.md says: the database and keys.json and pepper.json, never subject-keys.db."""
    folder.mkdir()
    data = world.runtime.settings.data
    for name in ("keys.json", "pepper.json"):
        shutil.copy(data / name, folder)
    if url.startswith("sqlite"):
        source, target = sqlite3.connect(data / "central.db"), sqlite3.connect(folder / "central.db")
        with target:
            source.backup(target)
        source.close()
        target.close()
        return
    _dump(url, folder)


def _dump(url: str, folder: Path) -> None:
    binary = max(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    with (folder / "dump.sql").open("wb") as file:
        subprocess.run([str(binary), url], stdout=file, check=True, timeout=60)


async def _checkpoint(world: World) -> None:
    """Everything that waits in memory to its file."""
    async with world.runtime.db.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.exec_driver_sql("CHECKPOINT")


async def _raw_files(world: World) -> tuple[str, str]:
    async with world.runtime.db.read() as session:
        oid = await session.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    return f"base/{oid}", "pg_wal"


async def _enrol(world: World) -> None:
    consent = ConsentGiven(
        text_version="1", text_sha256="0" * 64, purposes=dict.fromkeys(PURPOSES, True), channel="kiosk",
        at=world.shop.now,
    )  # fmt: skip
    face = base64.b64encode(bytes(1052)).decode()
    key = seal_subject_key(bytes(range(32)), world.runtime.keys.public()["central_sealing_key"])
    await world.shop.feed(
        EnrolmentCompleted(
            subject=ANNA, template="t-anna", model_sha256="1" * 64, sealed_template=face,
            sealed_key=key, consent=consent, at=world.shop.now,
        )
    )  # fmt: skip


async def _erased(world: World, subject: str = ANNA) -> str:
    async with world.runtime.change() as effects:
        number = await rights.erase(effects, subject)
    assert await erasing.complete(world.runtime) == 1
    return number


async def test_erasure_leaves_nothing_readable(
    world: World, migrated_url: str, tmp_path: Path, tmp_path_factory: Any, caplog: Any, request: Any
) -> None:
    caplog.set_level(logging.INFO)
    runtime, elsewhere = world.runtime, tmp_path_factory.mktemp("backups")
    await world.shop.birth()
    await _live_everywhere(world, ANNA, "c1", SECRET, TRACE)
    clara = await _live_everywhere(world, CLARA, "c3", OTHERS, OTHERS)
    await _enrol(world)
    _backup(world, migrated_url, elsewhere / "before")
    number = await _erased(world)
    # The data folder (database, log of writes, keys) and what the program said.
    if migrated_url.startswith("postgresql"):
        (elsewhere / "after").mkdir()
        _dump(migrated_url, elsewhere / "after")
        assert _hits(elsewhere / "after", SECRET, TRACE) == []
        # Its files and its log of writes: what can be read about a person never stood in them.
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        await _checkpoint(world)
        for part in await _raw_files(world):
            assert _hits(cluster.data / part, SECRET) == []
    assert _hits(tmp_path, SECRET, TRACE) == []
    assert not [needle for needle in _needles(SECRET) + _needles(TRACE) if needle.decode("latin-1") in caplog.text]
    assert not [message for message in world.shop.bus.sent if SECRET in str(message) or TRACE in str(message)]
    # A backup made before, with every key a backup holds and the vault as it is now.
    assert _hits(elsewhere / "before", SECRET) == []
    await _opens_nothing(world, elsewhere / "before", tmp_path)
    # The others, and the sums, are as they were.
    theirs = await _export(world, CLARA)
    assert HELD - set(theirs["tables"]) == set()
    assert theirs["tables"]["opinions"][0]["content"] == {"text": OTHERS}
    async with runtime.db.read() as session:
        left = await persons.find(session, runtime.keys, ANNA)
        assert (left.customers, left.visits, left.templates, left.alerts) == ((), (), (), ())
        assert await session.scalar(select(func.count()).select_from(metadata.tables["sales"])) == 2
        assert await service.verify_chain(session) is None
        assert await verify_reads(session) is None
    (drop,) = world.shop.commands("gallery.drop")
    assert (drop.subject, drop.reason) == (ANNA, "erased")
    receipt = await erasing.receipt(runtime, number)
    assert receipt is not None
    assert receipt.state == "done"
    assert {"customers", "opinions", "quotes", "sales", "site_events"} <= set(receipt.rows)
    assert not [word for word in (ANNA, '"c1"', SECRET, TRACE) if word in receipt.model_dump_json()]
    assert clara.subject == CLARA


async def test_a_day_in_the_shop_is_forgotten(world: World, tmp_path: Path, migrated_url: str) -> None:
    """What really happens, not rows made for the test: events, a card, a personal price on a label, a sale."""
    await live(world)
    async with world.runtime.db.read() as session:
        assert PERSON_MARK in json.dumps(
            await rights.export(session, world.runtime.vault, world.runtime.keys, ANNA), default=str, ensure_ascii=False
        )
    shown = len(world.shop.commands("label.show"))
    await _erased(world)
    after = world.shop.commands("label.show")[shown:] + world.shop.commands("label.revert")
    assert {command.label for command in after} == {"label-1"}
    assert _hits(tmp_path, PERSON_MARK, f"{PERSON_MARK} headphones") == []
    async with world.runtime.db.read() as session:
        found = await rights.export(session, world.runtime.vault, world.runtime.keys, ANNA)
    kept = {table.name for table, holding in persons.tables() if holding.erasure == "keep"}
    assert set(found["tables"]) <= kept  # type: ignore[call-overload]


async def _opens_nothing(world: World, backup: Path, data: Path) -> None:
    if not (backup / "central.db").exists():
        return
    keys, vault = load_or_create(backup), FileVault(data / "subject-keys.db")
    connection = sqlite3.connect(backup / "central.db")
    opened = 0
    for table in metadata.sorted_tables:
        if "sealed" not in table.columns:
            continue
        owner = "owner" if "owner" in table.columns else "subject"
        rows = connection.execute(f"SELECT {owner}, sealed FROM {table.name} WHERE {owner} = ?", (ANNA,)).fetchall()
        assert rows, table.name
        opened += sum(vault.open(*row) is not None for row in rows)
    assert opened == 0
    for (sealed,) in connection.execute("SELECT sealed FROM templates WHERE subject = ?", (ANNA,)).fetchall():
        with pytest.raises(RejectedError):
            keys.rewrap(base64.b64encode(sealed).decode(), keys.public()["central_sealing_key"])
    connection.close()
    vault.close()


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", ["_delete", "_destroy", "_clean"])
async def test_an_erasure_is_completed_after_a_crash(world: World, monkeypatch: Any, step: str) -> None:
    """The process dies before each step, and once more in the middle of it."""
    await _live_everywhere(world, ANNA, "c1", SECRET, TRACE)
    runtime = world.runtime
    async with runtime.change() as effects:
        number = await rights.erase(effects, ANNA)
    real = getattr(erasing, step)

    class PowerCutError(Exception):
        pass

    async def before(*words: Any) -> None:
        raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(erasing, step, before)
        with pytest.raises(PowerCutError):
            await erasing.complete(runtime)
    await real(runtime, number)
    assert await erasing.complete(runtime) == (step != "_clean")
    assert await erasing.complete(runtime) == 0
    async with runtime.db.read() as session:
        row = await session.get(Erasure, number)
        assert row is not None
        assert (row.state, row.subject, row.owners) == ("done", None, [])
        assert (await persons.find(session, runtime.keys, ANNA)).customers == ()
    assert ANNA in runtime.vault.destroyed()


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
async def test_a_restored_backup_is_erased_again(world: World, tmp_path: Path, tmp_path_factory: Any) -> None:
    runtime = world.runtime
    await _live_everywhere(world, ANNA, "c1", SECRET, TRACE)
    folder = tmp_path_factory.mktemp("backup") / "made"
    _backup(world, "sqlite", folder)
    await _erased(world)
    source, target = sqlite3.connect(folder / "central.db"), sqlite3.connect(tmp_path / "central.db")
    source.backup(target)
    source.close()
    target.close()
    async with runtime.db.read() as session:
        assert (await persons.find(session, runtime.keys, ANNA)).customers == ("c1",)
    assert await erasing.replay(runtime) == 1
    assert await erasing.complete(runtime) == 1
    assert _hits(tmp_path, TRACE) == []
    assert await erasing.replay(runtime) == 0


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
async def test_nothing_comes_back_after_an_erasure(world: World, import_document: Any) -> None:
    """An enrolment that was on its way, an import of the old file, an erasure asked twice."""
    await _live_everywhere(world, ANNA, "c1", SECRET, TRACE)
    async with world.runtime.change() as effects:
        first = await rights.erase(effects, ANNA)
        assert await rights.erase(effects, ANNA) == first
    await erasing.complete(world.runtime)
    world.shop.wait(60)
    await _enrol(world)
    with pytest.raises(Exception, match="erased at their wish"):
        await world.shop.load(import_document())
    async with world.runtime.db.read() as session:
        assert (await session.scalars(select(Template).where(Template.subject == ANNA))).all() == []
        consent = await session.get(SubjectConsent, ANNA)
        assert consent is not None
        assert not any(consent.purposes.values())


async def test_a_changed_or_missing_read_is_found(world: World) -> None:
    runtime = world.runtime
    async with runtime.change() as effects:
        for place in ("alerts", "visits", "customers"):
            await service.note_reads(effects.session, "staff:kim", ["c1", "c3", "gone"], place, effects.now)
    async with runtime.db.read() as session:
        rows = (await session.scalars(select(ProfileRead).order_by(ProfileRead.id))).all()
        assert len(rows) == 6
        assert await verify_reads(session) is None
    for change in ({"reader": "staff:eve"}, {"subject": BORIS}, {"at": runtime.clock.now() + timedelta(minutes=1)}):
        async with runtime.db.write() as session:
            row = await session.get(ProfileRead, 3)
            before = {name: getattr(row, name) for name in change}
            for name, value in change.items():
                setattr(row, name, value)
        async with runtime.db.read() as session:
            assert await verify_reads(session) == 3
        async with runtime.db.write() as session:
            row = await session.get(ProfileRead, 3)
            for name, value in before.items():
                setattr(row, name, value)
    async with runtime.db.write() as session:
        await session.execute(delete(ProfileRead).where(ProfileRead.id == 6))
    async with runtime.db.read() as session:
        assert await verify_reads(session) == 6
        assert await session.get(ConsentHead, 2) is not None
        assert (await session.scalars(select(ConsentRecord))).all()
