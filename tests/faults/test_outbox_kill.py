"""The outbox under kill -9 and with torn journals: nothing that was reported as committed is lost (PRIVACY R2)."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from contract.clock import ManualClock, SystemClock
from contract.events import FloorOccupancy, VisitStarted
from edge.outbox.draft import make_draft
from edge.outbox.store import OutboxStore
from edge.outbox.writer import OutboxWriter, WriterLimits

KILLS = 24
ROOT = Path(__file__).parents[2]

# A node in little: urgent and ordinary events through the group writer; a number is printed once it is committed.
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from contract.clock import SystemClock
from contract.events import LineCrossed, VisitStarted
from edge.outbox.draft import make_draft
from edge.outbox.store import OutboxStore
from edge.outbox.writer import OutboxWriter

clock = SystemClock()
store = OutboxStore(Path(sys.argv[1]), clock)
writer = OutboxWriter(store, clock)

def told(group):
    sys.stdout.write("".join(f"{one.sequence}\\n" for one in group))
    sys.stdout.flush()

writer.listen(told)
writer.start()
count = 0
while True:
    count += 1
    at = datetime(2026, 1, 1, tzinfo=UTC)
    visit = VisitStarted(visit=f"v{count}", method="qr", device="door", at=at)
    line = LineCrossed(track="t1", line="door", direction="in", at=at)
    writer.submit([make_draft(visit if count % 10 == 0 else line, "/demo/node1", clock)])
    if writer.waiting > 200:
        writer.flush()
    store.acknowledge(store.session, max(0, store.watermark + (count % 7 == 0)))
"""


def run_and_kill(path: Path, after_lines: int) -> list[int]:
    """Start the writer, kill -9 it once it reported `after_lines` commits; what it reported."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(after_lines)]
    process.kill()
    rest = process.stdout.read().split(b"\n")
    process.wait()
    return told + [int(line) for line in rest[:-1]]


def test_kill_nine_in_a_loop_loses_nothing_committed(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    chance = random.Random(7)
    sessions = set()
    highest = 0
    for _ in range(KILLS):
        told = run_and_kill(path, chance.randint(1, 60))
        assert told == list(range(told[0], told[0] + len(told)))
        # Events may be committed whose report was killed on its way; none is skipped or given twice.
        assert told[0] > highest
        store = OutboxStore(path, ManualClock())
        sessions.add(store.session)
        rows = [row.sequence for row in store.read(0, 1_000_000)]
        assert rows == list(range(rows[0], rows[-1] + 1))
        assert rows[-1] >= told[-1]
        assert not store.moved_aside
        highest = told[-1]
        store.close()
    assert len(sessions) == 1


def test_a_torn_journal_tail_leaves_a_sound_prefix(tmp_path: Path) -> None:
    """The journal of a live outbox is cut at any byte: what is left is committed groups, in order, and it goes on."""
    live = tmp_path / "live" / "outbox.db"
    store = OutboxStore(live, ManualClock())
    at = datetime(2026, 1, 1, tzinfo=UTC)
    report = VisitStarted(visit="v1", method="qr", device="door", at=at)
    for _ in range(30):
        store.append([make_draft(report, "/demo/node1", ManualClock()) for _ in range(3)])
    size = (live.parent / "outbox.db-wal").stat().st_size
    chance = random.Random(3)
    seen = set()
    for place, cut in enumerate([0, 10, 32, size - 1, *(chance.randrange(size) for _ in range(30))]):
        copy = tmp_path / f"copy{place}"
        copy.mkdir()
        shutil.copy(live, copy / "outbox.db")
        wal = (live.parent / "outbox.db-wal").read_bytes()[:cut]
        (copy / "outbox.db-wal").write_bytes(wal + bytes(chance.randrange(256) for _ in range(place % 3 * 50)))
        torn = OutboxStore(copy / "outbox.db", ManualClock())
        assert not torn.moved_aside or cut < 5000  # the file itself is not yet in the database
        rows = [row.sequence for row in torn.read(0, 1000)]
        assert len(rows) % 3 == 0
        assert rows == list(range(1, len(rows) + 1))
        assert [one.sequence for one in torn.append([make_draft(report, "/demo/node1", ManualClock())])] == [
            len(rows) + 1
        ]
        seen.add(len(rows))
        torn.close()
    assert len(seen) > 8
    store.close()


def test_a_full_disk_keeps_what_matters_and_counts_what_was_shed(tmp_path: Path) -> None:
    """The writer on a file that may not grow: visits wait in memory and are committed once there is room."""
    clock = SystemClock()
    store = OutboxStore(tmp_path / "outbox.db", clock)
    store.limit_pages(100)
    writer = OutboxWriter(store, clock, WriterLimits(memory=50, retry_s=0.05))
    writer.start()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    heat = FloorOccupancy(camera="c1", minute=at, cells=tuple((n, 1, 1.0) for n in range(60)))
    for _ in range(10):
        writer.submit([make_draft(heat, "/demo/node1", clock) for _ in range(30)])
        writer.flush(0.2)
    assert writer.full
    visits = [VisitStarted(visit=f"v{n}", method="qr", device="door", at=at) for n in range(80)]
    writer.submit([make_draft(visit, "/demo/node1", clock) for visit in visits])
    before = store.read(0, 1000)
    store.limit_pages(100_000)
    assert writer.stop(10)
    rows = store.read(0, 1000)
    assert rows[: len(before)] == before
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert sum(row.kind == "visit.started" for row in rows) == 80
    occupied = sum(row.kind == "floor.occupancy" for row in rows)
    assert writer.shed_counts["floor.occupancy"] == 300 - occupied
    assert writer.shed_counts["floor.occupancy"] > 0
    assert set(writer.shed_counts) == {"floor.occupancy"}


def test_a_file_damaged_while_the_node_runs_starts_a_new_session(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    clock = SystemClock()
    store = OutboxStore(path, clock)
    report = VisitStarted(visit="v1", method="qr", device="door", at=datetime(2026, 1, 1, tzinfo=UTC))
    store.append([make_draft(report, "/demo/node1", clock) for _ in range(3000)])
    store.acknowledge(store.session, 1)
    store.prune()
    first = store.session
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store._db.execute("PRAGMA cache_size = 1")
    content = bytearray(path.read_bytes())
    content[2048:] = b"\x5a" * (len(content) - 2048)
    path.write_bytes(content)
    writer = OutboxWriter(store, clock)
    writer.start()
    deadline = time.monotonic() + 10
    writer.submit([make_draft(report, "/demo/node1", clock)])
    while not store.moved_aside and time.monotonic() < deadline:
        writer.submit([make_draft(report, "/demo/node1", clock)])
        writer.flush(1)
    assert writer.stop()
    assert store.moved_aside
    assert store.session != first
    rows = [row.sequence for row in store.read(0, 10)]
    assert rows == list(range(1, len(rows) + 1))
    assert rows
