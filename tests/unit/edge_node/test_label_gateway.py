"""The gateway: who sees what, and that a label never stays personal (invariant 5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.clock import ManualClock
from contract.commands import LabelContent, LabelRevert, LabelShow
from contract.events import LabelState, VisitEnded, VisitIdentified, ZoneDwelled, ZoneEntered, ZoneLeft
from contract.values import Report
from edge.config.connections import LabelPlace
from edge.labels.arbitration import LabelPolicy
from edge.labels.gateway import GatewayPace, LabelGateway
from edge.labels.records import LabelRecords
from edge.memory import Memory
from hardware.backoff import BackoffPolicy
from hardware.labels.options import SimulatedTag
from hardware.labels.simulated import SimulatedLabels

WALL = datetime(2026, 1, 1, tzinfo=UTC)
CONTENT = LabelContent(title="Headphones", sku="S1", price=1000, currency="EUR")
CHEAPER = CONTENT.model_copy(update={"price": 900, "was": 1000, "disclosure": "personal price"})
PACE = GatewayPace(tick_s=0.002, retry=BackoffPolicy(first_s=0.005, limit_s=0.02), unreachable_after_s=50, flash_s=2)


class Bench:
    """A gateway over simulated labels on a clock of our own."""

    def __init__(self, folder: Path, *, observed: bool = True, labels: int = 1) -> None:
        self.clock = ManualClock(WALL)
        self.memory = Memory(folder / "node.db")
        tags = [SimulatedTag(address=f"AA{n}") for n in range(1, labels + 1)]
        self.driver = SimulatedLabels(tags, self.clock, confirm_s=1.0)
        self.told: list[LabelState] = []
        places = tuple(LabelPlace(id=f"l{n}", address=f"aa{n}", zone="z1") for n in range(1, labels + 1))
        self.gateway = LabelGateway(
            places, self.driver, LabelRecords(self.memory), self.clock, self._emit,
            observed_zones=frozenset({"z1"} if observed else ()),
            policy=LabelPolicy(reserve_s=10, min_refresh_s=2), pace=PACE,
        )  # fmt: skip
        self._sequence = 0

    def _emit(self, reports: list[Report]) -> None:
        self.told += [report for report in reports if isinstance(report, LabelState)]

    def public(self, content: LabelContent = CONTENT, label: str = "l1") -> None:
        self.gateway.show(LabelShow(variant="public", label=label, content=content, **self._next()))  # type: ignore[arg-type]

    def personal(
        self, visit: str = "v1", seconds: float = 60, content: LabelContent = CHEAPER, label: str = "l1"
    ) -> None:
        expires = self.clock.now() + timedelta(seconds=seconds)
        self.gateway.show(LabelShow(
            variant="personal", label=label, content=content, quote=f"q-{visit}", visit=visit, expires_at=expires,
            **self._next(),  # type: ignore[arg-type]
        ))  # fmt: skip

    def revert(self, quote: str | None = None) -> None:
        self.gateway.revert(LabelRevert(label="l1", quote=quote, reason="left", **self._next()))  # type: ignore[arg-type]

    def _next(self) -> dict[str, object]:
        self._sequence += 1
        return {"sequence": self._sequence, "valid_until": self.clock.now() + timedelta(seconds=60)}

    def enters(self, track: str, visit: str | None) -> None:
        self.gateway.hear(ZoneEntered(track=track, visit=visit, zone="z1", at=WALL))

    def leaves(self, track: str) -> None:
        self.gateway.hear(ZoneLeft(track=track, zone="z1", dwell_s=1, at=WALL))

    @property
    def variant(self) -> str:
        return self.gateway.wanted("l1").variant

    def states(self, start: int = 0) -> list[tuple[str, str, str]]:
        return [(told.state, told.variant, told.cause) for told in self.told[start:]]

    async def glass(self) -> str:
        """What the simulated glass shows, told by the red band."""
        picture = self.driver.glass.get("AA1")
        return "blank" if picture is None else "personal" if picture.getpixel((2, 120)) == (255, 0, 0) else "public"

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"never: {self.states()}")

    async def pass_time(self, seconds: float) -> None:
        """Advance the clock in steps, letting everybody run."""
        for _ in range(max(1, round(seconds / 0.5))):
            self.clock.advance(0.5)
            self.driver.tick()
            await asyncio.sleep(0.004)

    async def settle(self) -> None:
        await self.until(lambda: self.gateway.confirmed("l1") or bool(self.driver._coming))
        for _ in range(200):
            if self.gateway.confirmed("l1"):
                return
            await self.pass_time(0.5)
        raise AssertionError(f"not confirmed: {self.states()}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.gateway.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def shown_personal(bench: Bench) -> None:
    """Public price up, one visitor at the shelf, the personal price on the glass."""
    bench.public()
    await bench.settle()
    await bench.pass_time(3)
    bench.enters("t1", "v1")
    bench.personal()
    await bench.settle()
    assert await bench.glass() == "personal"


async def test_public_then_personal_then_back_when_the_visitor_leaves(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        await shown_personal(bench)
        bench.leaves("t1")
        await bench.settle()
        assert await bench.glass() == "public"
    assert bench.states() == [
        ("pending", "public", "command"), ("shown", "public", "command"),
        ("pending", "personal", "command"), ("shown", "personal", "command"),
        ("pending", "public", "zone"), ("shown", "public", "zone"),
    ]  # fmt: skip
    personal = bench.told[3]
    assert (personal.quote, personal.command, personal.price) == ("q-v1", 2, 900)
    assert personal.after_s > 0
    assert bench.driver.flashes == [("AA1", 2)]


@pytest.mark.parametrize(
    "how", ["expiry", "stranger", "second", "ended", "retracted", "revert", "revert-quote", "public"]
)
async def test_everything_that_takes_a_personal_price_back(tmp_path: Path, how: str) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        await shown_personal(bench)
        match how:
            case "expiry":
                await bench.pass_time(61)
            case "stranger":
                bench.enters("t2", None)
            case "second":
                bench.enters("t2", "v2")
            case "ended":
                bench.gateway.hear(VisitEnded(visit="v1", reason="exit", duration_s=9, at=WALL))
            case "retracted":
                bench.gateway.hear(VisitIdentified(
                    visit="v1", subject="s", method="face", device="c", stage="final", outcome="retracted",
                    confidence=0, first_usable_at=WALL, at=WALL,
                ))  # fmt: skip
            case "revert":
                bench.revert()
            case "revert-quote":
                bench.revert("q-v1")
            case "public":
                bench.public(CONTENT.model_copy(update={"price": 1100}))
        await bench.settle()
        assert bench.variant == "public"
        assert await bench.glass() == "public"


async def test_a_revert_of_another_quote_and_another_visits_end_change_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        await shown_personal(bench)
        bench.revert("q-v9")
        bench.gateway.hear(VisitEnded(visit="v9", reason="exit", duration_s=9, at=WALL))
        assert bench.variant == "personal"


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda bench: bench.enters("t2", None), "zone"),
        (lambda bench: bench.leaves("t1"), "zone"),
        (lambda bench: bench.enters("t1", "v7"), "zone"),
    ],
)
async def test_not_shown_when_the_visitor_is_not_alone(
    tmp_path: Path, spoil: Callable[[Bench], None], cause: str
) -> None:
    bench = Bench(tmp_path)
    bench.public()
    bench.enters("t1", "v1")
    spoil(bench)
    bench.personal()
    assert bench.variant == "public"
    assert bench.states() == [("failed", "personal", cause)]
    assert bench.told[0].quote == "q-v1"


async def test_not_shown_when_too_late_too_dear_or_for_another_article(tmp_path: Path) -> None:
    bench = Bench(tmp_path, observed=False)
    bench.personal()  # no public price known: nothing to go back to
    bench.public()
    bench.personal(seconds=9)
    bench.personal(seconds=-5)
    bench.personal(content=CHEAPER.model_copy(update={"price": 1001, "was": 1001}))
    bench.personal(content=CHEAPER.model_copy(update={"sku": "S2"}))
    bench.personal(label="nobody")
    assert bench.variant == "public"
    assert [told.state for told in bench.told] == ["failed"] * 6
    bench.personal()
    assert bench.variant == "personal"


async def test_a_zone_this_node_does_not_watch_is_centrals_to_judge(tmp_path: Path) -> None:
    bench = Bench(tmp_path, observed=False)
    bench.public()
    bench.personal()
    assert bench.variant == "personal"


async def test_battery_and_refresh_budget_keep_the_label_public(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        await shown_personal(bench)
        bench.leaves("t1")
        await bench.until(lambda: bench.states()[-1] == ("pending", "public", "zone"))
        bench.enters("t3", "v3")
        bench.personal("v3")  # within min_refresh_s of the last push
        assert bench.states()[-1] == ("failed", "personal", "command")
        await bench.settle()
        await bench.pass_time(3)
        bench.driver._infos["AA1"] = bench.driver._infos["AA1"].__class__(
            **{field: getattr(bench.driver._infos["AA1"], field) for field in bench.driver._infos["AA1"].__slots__}
            | {"battery_mv": 2300}
        )
        from hardware.labels.base import LabelState as Glassed

        bench.driver._report("AA1", Glassed.LOW_BATTERY)
        await bench.until(lambda: bench.states()[-1][0] == "battery_low")
        bench.personal("v3")
        assert bench.states()[-1] == ("failed", "personal", "report")
        assert bench.told[-2].battery_mv == 2300


async def test_an_access_point_away_when_it_must_revert_is_tried_until_it_works(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        await shown_personal(bench)
        bench.driver.misbehave.away = True
        await bench.pass_time(130)  # past the deadline, and past the time to call it unreachable
        assert bench.variant == "public"
        assert await bench.glass() == "personal"
        assert bench.states()[-1][0] == "unreachable"
        assert bench.gateway.counts().unreachable == 1
        bench.driver.misbehave.away = False
        bench.driver.misbehave.refuse_uploads = 3
        await bench.settle()
        assert await bench.glass() == "public"
        assert bench.gateway.counts().unreachable == 0


async def test_a_label_that_never_takes_the_personal_price_goes_back_and_says_failed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        bench.public()
        await bench.settle()
        await bench.pass_time(3)
        bench.driver.misbehave.deaf = frozenset({"AA1"})
        bench.driver.misbehave.fail_after_s = 20
        bench.enters("t1", "v1")
        bench.personal()
        await bench.until(lambda: bench.states()[-1] == ("pending", "personal", "command"))
        await bench.pass_time(25)
        assert ("failed", "personal", "command") in bench.states()
        assert bench.variant == "public"
        bench.driver.misbehave.deaf = frozenset()
        await bench.settle()
        assert ("shown", "personal", "command") not in bench.states()


async def test_crash_while_personal_is_reverted_first_at_the_next_start(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        await shown_personal(bench)
    # As after kill -9: no farewell; the glass still shows the personal price.
    again = Bench(tmp_path)
    again.driver = bench.driver
    again.gateway._driver = bench.driver
    bench.driver._mail = type(bench.driver._mail)()
    again.clock = bench.clock
    again.gateway._clock = bench.clock
    assert await again.glass() == "personal"
    async with again.running():
        await again.settle()
    assert await again.glass() == "public"
    assert again.states()[-1] == ("shown", "public", "restart")


async def test_an_orderly_stop_takes_everything_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        await shown_personal(bench)
        assert await bench.gateway.take_all_back(2)
        assert bench.driver._coming["AA1"].picture.convert("RGB").getpixel((2, 120)) == (255, 255, 255)
        bench.driver.misbehave.away = True


async def test_the_same_public_price_again_does_not_wear_the_glass(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        bench.public()
        await bench.settle()
        before = bench.driver.uploads
        bench.public()
        await bench.settle()
        assert bench.driver.uploads == before
        assert bench.states()[-1] == ("shown", "public", "command")
        assert bench.told[-1].command == 2


async def test_lost_memory_never_means_a_wrong_price(tmp_path: Path) -> None:
    """A label known to be unsure whose public content is unreadable shows no price at all."""
    memory = Memory(tmp_path / "node.db")
    LabelRecords(memory).personal("l1", "q1")
    memory.close()
    bench = Bench(tmp_path)
    async with bench.running():
        await bench.settle()
        assert bench.told[-1].state == "shown"
        assert bench.told[-1].price is None
        assert await bench.glass() == "public"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("public"), st.integers(0, 3)),
        st.tuples(st.just("personal"), st.integers(0, 3)),
        st.tuples(st.just("enter"), st.integers(0, 11)),
        st.tuples(st.just("dwell"), st.integers(0, 11)),
        st.tuples(st.just("leave"), st.integers(0, 3)),
        st.tuples(st.just("ended"), st.integers(0, 2)),
        st.tuples(st.just("revert"), st.integers(0, 3)),
        st.tuples(st.just("time"), st.integers(1, 90)),
        st.tuples(st.just("jump"), st.integers(-90000, 90000)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_never_personal_past_the_deadline_or_beside_a_stranger(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Any order of commands, zone events, clock jumps and time: checked after every step against a model."""
    bench = Bench(tmp_path_factory.mktemp("labels"))
    inside: dict[str, str | None] = {}
    deadline: float | None = None
    for step, number in steps:
        match step:
            case "public":
                bench.public(CONTENT.model_copy(update={"price": 1000 + number}))
            case "personal":
                was = bench.gateway.wanted("l1").generation
                bench.personal(f"v{number % 3}", seconds=number * 40)
                if bench.gateway.wanted("l1").generation != was:
                    deadline = bench.clock.monotonic() + number * 40
            case "enter" | "dwell":
                track, visit = f"t{number % 4}", [None, "v0", "v1"][number // 4]
                inside[track] = visit
                if step == "enter":
                    bench.enters(track, visit)
                else:
                    bench.gateway.hear(ZoneDwelled(track=track, visit=visit, zone="z1", dwell_s=5, at=WALL))
            case "leave":
                inside.pop(f"t{number}", None)
                bench.leaves(f"t{number}")
            case "ended":
                bench.gateway.hear(VisitEnded(visit=f"v{number}", reason="exit", duration_s=1, at=WALL))
            case "revert":
                bench.revert(None if number == 3 else f"q-v{number}")
            case "jump":
                bench.clock.jump(number)
            case _:
                bench.clock.advance(number)
                bench.gateway.tick()
        want = bench.gateway.wanted("l1")
        if want.variant == "personal":
            assert set(inside.values()) == {want.visit}
            assert deadline is not None
            assert bench.clock.monotonic() < deadline
            assert want.content is not None
            assert want.content.price <= 1000
    bench.memory.close()
