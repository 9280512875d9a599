"""The label gateway on the emulated OpenEPaperLink access point: real HTTP, real WebSocket, faults, kill -9."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="the emulated access point needs aiohttp: pip install '.[simulator]'")

from contract.clock import SystemClock
from contract.commands import LabelContent, LabelShow
from contract.events import LabelState, ZoneEntered, ZoneLeft
from contract.values import Report
from edge.config.connections import LabelPlace
from edge.labels.arbitration import LabelPolicy
from edge.labels.gateway import GatewayPace, LabelGateway
from edge.labels.records import LabelRecords
from edge.memory import Memory
from hardware.backoff import BackoffPolicy
from hardware.labels.emulator import AccessPointEmulator
from hardware.labels.options import OpenEpaperLinkOptions
from hardware.labels.virtual import VirtualTag
from hardware.registry import create_labels

ROOT = Path(__file__).parents[2]
MAC = "0000021A2B3C0001"
CONTENT = LabelContent(title="Наушники", sku="S1", price=1299000, currency="RUB", language="ru")
CHEAPER = CONTENT.model_copy(update={"price": 1149000, "was": 1299000, "disclosure": "Цена определена автоматически"})
AT = datetime(2026, 1, 1, tzinfo=UTC)
PACE = GatewayPace(tick_s=0.05, retry=BackoffPolicy(first_s=0.1, limit_s=0.5))


@pytest.fixture
async def emulator() -> AsyncIterator[AccessPointEmulator]:
    running = AccessPointEmulator(
        [VirtualTag(MAC)], clock=SystemClock(), checkin_s=0.2, refresh_s=0.05, prepare_s=0.02, system_s=0.3
    )
    await running.start()
    yield running
    await running.stop()


def glass(emulator: AccessPointEmulator) -> str:
    """What a customer sees, told by the red band at the bottom."""
    picture = emulator.tags[MAC].glass()
    if emulator.tags[MAC].payload is None:
        return "blank"
    return "personal" if picture.getpixel((3, picture.height - 6)) == (255, 0, 0) else "public"


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Node:
    """The gateway of one node, and what it told central."""

    def __init__(self, folder: Path, url: str) -> None:
        clock = SystemClock()
        self.told: list[LabelState] = []
        self.memory = Memory(folder / "node.db")
        options = OpenEpaperLinkOptions(url=url, settle_s=0.5, give_up_s=30, silence_s=2, request_timeout_s=2)
        self.gateway = LabelGateway(
            (LabelPlace(id="l1", address=MAC, zone="z1"),), create_labels(options, clock), LabelRecords(self.memory),
            clock, self._emit, observed_zones=frozenset({"z1"}),
            policy=LabelPolicy(reserve_s=0.5, min_refresh_s=0), pace=PACE,
        )  # fmt: skip
        self._sequence = 0

    def _emit(self, reports: list[Report]) -> None:
        self.told += [report for report in reports if isinstance(report, LabelState)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.gateway.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.memory.close()

    def show(self, *, seconds: float | None = None) -> None:
        self._sequence += 1
        valid = datetime.now(UTC) + timedelta(seconds=60)
        if seconds is None:
            command = LabelShow(
                sequence=self._sequence, valid_until=valid, label="l1", variant="public", content=CONTENT
            )
        else:
            command = LabelShow(
                sequence=self._sequence, valid_until=valid, label="l1", variant="personal", content=CHEAPER,
                quote="q1", visit="v1", expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
            )  # fmt: skip
        self.gateway.show(command)

    def enters(self, track: str = "t1", visit: str | None = "v1") -> None:
        self.gateway.hear(ZoneEntered(track=track, visit=visit, zone="z1", at=AT))

    async def personal_on_glass(self, emulator: AccessPointEmulator, seconds: float = 60) -> None:
        self.show()
        await until(lambda: glass(emulator) == "public")
        self.enters()
        self.show(seconds=seconds)
        await until(lambda: glass(emulator) == "personal" and self.gateway.confirmed("l1"))


async def test_shown_confirmed_and_back_when_the_visitor_leaves(emulator: AccessPointEmulator, tmp_path: Path) -> None:
    node = Node(tmp_path, emulator.url)
    async with node.running():
        await node.personal_on_glass(emulator)
        node.gateway.hear(ZoneLeft(track="t1", zone="z1", dwell_s=1, at=AT))
        await until(lambda: glass(emulator) == "public" and node.gateway.confirmed("l1"))
    assert [(told.state, told.variant) for told in node.told if told.state == "shown"] == [
        ("shown", "public"), ("shown", "personal"), ("shown", "public"),
    ]  # fmt: skip


async def test_expiry_with_central_gone(emulator: AccessPointEmulator, tmp_path: Path) -> None:
    node = Node(tmp_path, emulator.url)
    async with node.running():
        await node.personal_on_glass(emulator, seconds=1.5)
        await until(lambda: glass(emulator) == "public")
        assert node.told[-1].cause == "expiry"


async def offline(emulator: AccessPointEmulator) -> None:
    emulator.tags[MAC].offline = True
    await asyncio.sleep(1.0)
    emulator.tags[MAC].offline = False


async def rebooting(emulator: AccessPointEmulator) -> None:
    await emulator.reboot(1.0)


async def busy_and_failing(emulator: AccessPointEmulator) -> None:
    emulator.faults.busy, emulator.faults.fail, emulator.faults.lose = 2, 2, 1
    await asyncio.sleep(0.5)


async def torn_transfers(emulator: AccessPointEmulator) -> None:
    emulator.tags[MAC].fail_transfers = 3
    emulator.faults.garbage = 3
    await asyncio.sleep(0.5)


@pytest.mark.parametrize("trouble", [offline, rebooting, busy_and_failing, torn_transfers])
async def test_it_reverts_through_trouble(
    emulator: AccessPointEmulator, tmp_path: Path, trouble: Callable[[AccessPointEmulator], Awaitable[None]]
) -> None:
    node = Node(tmp_path, emulator.url)
    async with node.running():
        await node.personal_on_glass(emulator)
        playing = asyncio.ensure_future(trouble(emulator))
        await asyncio.sleep(0.05)
        node.enters("t9", None)
        await playing
        await until(lambda: glass(emulator) == "public" and node.gateway.confirmed("l1"), 30)
        assert node.gateway.wanted("l1").variant == "public"


# A node's gateway alone in a process; it prints when the glass is confirmed personal, and is then killed.
PROCESS = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("bench", sys.argv[4])
bench = module_from_spec(spec)
spec.loader.exec_module(bench)

async def main():
    node = bench.Node(Path(sys.argv[1]), sys.argv[2])
    async with node.running():
        node.show()
        while not node.gateway.confirmed("l1"):
            await asyncio.sleep(0.01)
        node.enters()
        node.show(seconds=600)
        while not node.gateway.confirmed("l1"):
            await asyncio.sleep(0.01)
        print("personal", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_killed_while_personal_it_is_public_after_the_next_start(
    emulator: AccessPointEmulator, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path), emulator.url, str(ROOT), __file__]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"personal\n"
    process.kill()
    await process.wait()
    assert glass(emulator) == "personal"
    node = Node(tmp_path, emulator.url)
    async with node.running():
        await until(lambda: glass(emulator) == "public" and node.gateway.confirmed("l1"))
    assert [(told.state, told.variant, told.cause) for told in node.told][-1] == ("shown", "public", "restart")
    assert node.told[-1].price == CONTENT.price


async def test_a_label_the_access_point_does_not_know_is_unreachable(
    emulator: AccessPointEmulator, tmp_path: Path
) -> None:
    node = Node(tmp_path, emulator.url)
    node.gateway._glasses["l1"].address = "00000000000000AA"
    async with node.running():
        node.show()
        await until(lambda: bool(node.told))
    assert [told.state for told in node.told] == ["unreachable"]
