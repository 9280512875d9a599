"""Databases to run central on: SQLite always, PostgreSQL when Debian's binaries are here."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from central.runtime import Runtime
    from contract.codec import Message
    from contract.values import Wire

STORE, NODE = "shop", "node-1"
SUBJECT = "a" * 32
_TESTS = Path(__file__).parent
_ORDER = {folder: place for place, folder in enumerate(("replay", "privacy", "integration", "security", "", "e2e"))}
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that workers end at one time; browser tests last: Playwright holds the event loop."""
    items.sort(key=lambda item: _ORDER.get(item.path.relative_to(_TESTS).parts[0], _ORDER[""]))


class Cluster:
    """A private PostgreSQL server; its own user, because initdb refuses root."""

    def __init__(self, folder: Path) -> None:
        self.bin = _BINARIES[-1].parent
        self.data = folder / "data"
        self.port = _free_port()
        self._user: str | None = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self._user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(folder, self._user)

    def _run(self, *words: str) -> None:
        done = subprocess.run(words, user=self._user, cwd="/", capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{words[0]}: {done.stderr[-500:]}")

    def start(self) -> None:
        self._run(str(self.bin / "initdb"), "-D", str(self.data), "-U", "vitrina", "-A", "trust", "-E", "UTF8", "-N")
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._run(
            str(self.bin / "pg_ctl"), "-D", str(self.data), "-w", "-l", str(self.data / "log"), "-o", options, "start"
        )

    def stop(self) -> None:
        self._run(str(self.bin / "pg_ctl"), "-D", str(self.data), "-m", "immediate", "stop")

    def new_database(self, template: str = "template0") -> str:
        name = f"t{secrets.token_hex(6)}"
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "vitrina")
        self._run(str(self.bin / "createdb"), *where, "-T", template, name)
        return f"postgresql://vitrina@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A server for the whole run, on a free loopback port."""
    if not _BINARIES:
        pytest.skip("PostgreSQL is not installed (/usr/lib/postgresql/*/bin): tests run on SQLite alone")
    folder = Path(tempfile.mkdtemp(prefix="vitrina-pg-"))
    folder.chmod(0o755)
    cluster = Cluster(folder)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; every test that uses it runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'central.db'}"
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    return cluster.new_database()


async def _migrate(url: str) -> None:
    from central.database import Database
    from central.schema import migrate
    from central.settings import async_url

    database = Database(async_url(url))
    await migrate(database)
    await database.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: a test need not wait for the migrations."""
    path = tmp_path_factory.mktemp("schema") / "central.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_cluster: Cluster) -> str:
    """Name of a migrated PostgreSQL database to copy."""
    url = postgres_cluster.new_database()
    asyncio.run(_migrate(url))
    return url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "central.db")
        return f"sqlite:///{tmp_path / 'central.db'}"
    template: str = request.getfixturevalue("migrated_postgres")
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    return cluster.new_database(template)


class RecordingBus:
    """Stands in for the MQTT connection: keeps what central says to nodes."""

    url = "mqtt://127.0.0.1:0"
    depth = 0

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[Message] = []

    def send(self, topic: str, payload: bytes) -> bool:
        from contract.codec import decode

        if self.connected:
            self.sent.append(decode(topic, payload))
        return self.connected


def shop_document(**store: Any) -> dict[str, Any]:
    """A small shop: two zones, two labels, two products, one customer who agreed to everything."""
    everything = dict.fromkeys(("identify", "profile", "personal_price", "consultant_alert", "analytics"), True)
    return {
        "store": {
            "id": STORE,
            "name": "The shop",
            "currency": "EUR",
            "plan": {"width_m": 10, "height_m": 8},
            "zones": [
                {"id": "audio", "name": {"en": "Audio", "ru": "Звук"}, "polygon": [[0, 0], [2, 0], [2, 2], [0, 2]]},
                {"id": "video", "name": {"en": "Video", "ru": "Видео"}, "polygon": [[4, 0], [6, 0], [6, 2], [4, 2]]},
            ],
            "lines": [{"id": "door", "start": [0, 8], "end": [2, 8]}],
            "cameras": [{"id": "floor-1", "node": NODE, "position": [5, 4]}],
            "labels": [
                {"id": "label-1", "node": NODE, "zone": "audio", "sku": "HP-1", "position": [1, 0]},
                {"id": "label-2", "node": NODE, "zone": "video", "sku": "TV-1", "position": [5, 0]},
            ],
            **store,
        },
        "products": [
            {"sku": "HP-1", "title": {"en": "Headphones"}, "price": 20000, "cost": 10000, "currency": "EUR"},
            {"sku": "TV-1", "title": {"en": "Television"}, "price": 90000, "cost": 80000, "currency": "EUR"},
        ],
        "customers": [
            {
                "id": "c1",
                "subject": SUBJECT,
                "name": "Anna",
                "interests": ["headphones"],
                "discount_share": 0.1,
                "bonuses_minor": 500,
                "consents": {
                    "purposes": everything,
                    "text_version": "1",
                    "text_sha256": "0" * 64,
                    "at": "2026-01-01T00:00:00Z",
                },
            }
        ],
    }


@dataclass
class Shop:
    """A central without web and broker, and the node that talks to it."""

    runtime: Runtime
    bus: RecordingBus
    clock: Any
    session: str = "outbox-1"
    sequence: int = 0
    topics: list[str] = field(default_factory=list)

    def load(self, document: dict[str, Any] | None = None) -> Any:
        """Import a document."""
        from central.imports import service

        async def work() -> dict[str, object]:
            whole = service.parse(json.dumps(document or shop_document()).encode(), "test.json")
            async with self.runtime.change() as effects:
                return await service.apply(effects, whole)

        return work()

    def message(self, data: Wire, *, sequence: int | None = None, offset: float | None = None, **names: str) -> Any:
        """An event as it arrives; numbered on from the last unless told otherwise."""
        from central.ingest.batch import Arrived
        from contract.channels import Address, channel_for
        from contract.codec import Envelope, encode

        channel = channel_for(data)
        if channel.durable and sequence is None:
            self.sequence += 1
            sequence = self.sequence
        address = Address(names.get("store", STORE), names.get("node", NODE), channel.kind)
        envelope = Envelope(
            id=secrets.token_hex(8),
            source=address.source,
            type=channel.event_type,
            time=self.clock.now(),
            session=names.get("session", self.session) if channel.durable else None,
            sequence=sequence if channel.durable else None,
            clockoffset=offset,
        )
        return Arrived(address.topic, encode(envelope, data), self.clock.now())

    async def feed(self, *messages: Any) -> None:
        """Commit messages (or models, which become messages) in one batch."""
        from central.ingest.batch import Arrived
        from central.ingest.worker import Worker

        ready = [item if isinstance(item, Arrived) else self.message(item) for item in messages]
        await Worker(self.runtime, self).process(ready)  # type: ignore[arg-type]

    def commands(self, kind: str) -> list[Any]:
        """What was said to nodes of this kind, oldest first."""
        return [message.data for message in self.bus.sent if message.channel.kind == kind]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    @property
    def now(self) -> datetime:
        now = self.clock.now()
        assert isinstance(now, datetime)
        return now

    async def birth(self, **fields: Any) -> None:
        """The node comes up."""
        from contract.state import Status

        key = fields.pop("public_key", base64.b64encode(b"\x09" + bytes(31)).decode())
        await self.feed(Status(state="online", session=self.session, started_at=self.now, public_key=key, **fields))

    async def confirm_labels(self) -> None:
        """The node's labels show what they were last told."""
        from contract.events import LabelState

        newest = {command.label: command for command in self.commands("label.show")}
        for command in newest.values():
            await self.feed(
                LabelState(
                    label=command.label,
                    state="shown",
                    variant=command.variant,
                    quote=command.quote,
                    command=command.sequence,
                    price=command.content.price,
                    at=self.now,
                )
            )

    async def arrive(self, visit: str = "v1", subject: str = SUBJECT, **fields: Any) -> None:
        """A person is identified."""
        from contract.events import VisitIdentified, VisitStarted

        known = {
            "method": "face",
            "device": "door-1",
            "stage": "final",
            "confidence": 0.9,
            "first_usable_at": self.now - timedelta(milliseconds=400),
            "at": self.now,
        }
        await self.feed(
            VisitStarted(visit=visit, method="face", device="door-1", at=self.now),
            VisitIdentified(**{"visit": visit, "subject": subject, **known, **fields}),
        )


@pytest.fixture
async def shop(migrated_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """A central on an empty, migrated database, and a clock that moves when told."""
    from central.app import open_runtime
    from central.settings import Settings
    from contract.clock import ManualClock

    clock = ManualClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    runtime = await open_runtime(Settings(data=tmp_path, database=migrated_url), clock)
    bus = RecordingBus()
    runtime.bus = bus  # type: ignore[assignment]
    try:
        yield Shop(runtime, bus, clock)
    finally:
        await asyncio.sleep(0)
        runtime.vault.close()
        await runtime.db.close()


@pytest.fixture
def import_document() -> Any:
    """The small shop as an import file's content; called, gives a fresh one."""
    return shop_document
