"""The label gateway, on one event loop: commands and zone events in, pictures out, states reported.

`Shelf` (arbitration) says what each label should show; one task per label makes the glass follow: it remembers, draws,
uploads, waits for the label system's confirmation, and tries again for as long as it takes. Newest wins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from PIL import Image

from contract.clock import Clock
from contract.commands import LabelRevert, LabelShow
from contract.events import LabelState
from contract.values import Report
from edge.config.connections import LabelPlace
from edge.labels import arbitration as rules
from edge.labels.arbitration import LabelPolicy, NotAllowed, Occupancy, Shelf, Want
from edge.labels.records import LabelRecord, LabelRecords
from edge.labels.render import Glass, render, render_without_price
from edge.values import Instant
from hardware.backoff import BackoffPolicy, delay_s
from hardware.errors import HardwareError, PermanentError, TransientError
from hardware.labels.base import LabelDriver, LabelInfo, LabelReport, Upload
from hardware.labels.base import LabelState as Glassed

log = logging.getLogger(__name__)

Emit = Callable[[list[Report]], None]
State = Literal["pending", "shown", "failed", "unreachable", "battery_low"]
BATTERY_RECOVERED_MV = 200
"""So much above the voltage of the warning, a label counts as having a new battery."""


@dataclass(frozen=True, slots=True)
class GatewayPace:
    """How often the gateway looks at its clock and how it retries (seconds)."""

    tick_s: float = 0.2
    retry: BackoffPolicy = field(default_factory=lambda: BackoffPolicy(first_s=1.0, limit_s=30.0))
    unreachable_after_s: float = 60.0
    flash_s: float = 0.0
    """Flash the label's light when a personal price is up; 0 never."""


@dataclass(slots=True)
class _Glass:
    """How far the glass of one label has come."""

    address: str
    wake: asyncio.Event
    done: int = 0
    """Generation that was confirmed or given up."""
    upload: Upload | None = None
    carried: Want | None = None
    """What `upload` shows."""
    uploaded: int = 0
    """Generation of `carried`; 0 when it has to be uploaded (again)."""
    attempts: int = 0
    reported: int = 0
    """Generation reported as unreachable."""
    battery_mv: int | None = None
    early: LabelReport | None = None
    """A SHOWN that came while its upload was still being answered."""
    low_mv: int = 0
    hash: str = ""
    """The label system's name of the picture that was last confirmed, while nothing else was sent; else empty."""


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """For the health message."""

    personal: int
    pending: int
    unreachable: int


class LabelGateway:
    """Drives the labels of one node. All methods belong to the event loop that runs `run()`."""

    def __init__(
        self,
        places: tuple[LabelPlace, ...],
        driver: LabelDriver,
        records: LabelRecords,
        clock: Clock,
        emit: Emit,
        *,
        observed_zones: frozenset[str] = frozenset(),
        policy: LabelPolicy | None = None,
        pace: GatewayPace | None = None,
    ) -> None:
        self._driver = driver
        self._records = records
        self._clock = clock
        self._emit = emit
        self._policy = policy or LabelPolicy()
        self._pace = pace or GatewayPace()
        self._occupancy = Occupancy(observed_zones)
        self._infos: dict[str, LabelInfo] = {}
        self._flashes: set[asyncio.Task[None]] = set()
        self.refused: Counter[str] = Counter()
        self._shelves: dict[str, Shelf] = {}
        self._glasses: dict[str, _Glass] = {}
        known, now = records.load(), clock.monotonic()
        for place in places:
            self._adopt(place, known.get(place.id), now)
        self._by_address = {glass.address: label for label, glass in self._glasses.items()}

    def _adopt(self, place: LabelPlace, record: LabelRecord | None, now: float) -> None:
        shelf = rules.new_shelf(place.id, place.zone, record.public if record else None, now)
        glass = _Glass(place.address.upper(), asyncio.Event())
        if record is None or not record.unsure:
            glass.hash = record.glass if record else ""
            # Confirmed public before, or never driven: nothing to take back.
            glass.done = shelf.want.generation
        else:
            glass.wake.set()
        self._shelves[place.id], self._glasses[place.id] = shelf, glass

    async def run(self) -> None:
        """Until cancelled."""
        await self._driver.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._watch())
                for label in self._shelves:
                    tasks.create_task(self._follow(label))
        finally:
            await self._driver.close()

    async def take_all_back(self, timeout_s: float) -> bool:
        """Before the node stops: every personal price goes; True when the label system accepted all of it in time."""
        now = self._clock.monotonic()
        for shelf in list(self._shelves.values()):
            self._set(rules.go_public(shelf, "restart", now))
        pairs = [(self._shelves[label], glass) for label, glass in self._glasses.items()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not all(shelf.want.generation in (glass.done, glass.uploaded) for shelf, glass in pairs):
                    await asyncio.sleep(0.02)
                return True
        return False

    # What comes in

    def show(self, command: LabelShow) -> None:
        """A verified command of central."""
        shelf = self._shelves.get(command.label)
        if shelf is None:
            self._refuse(command, "the configuration of this node has no such label", "command")
            return
        now = Instant(self._clock.monotonic(), self._clock.now())
        if command.variant == "public":
            if command.content != shelf.public:
                self._glasses[command.label].hash = ""
            self._remember_public(command)
            self._set(rules.show_public(shelf, command, now.monotonic))
            return
        try:
            self._set(rules.show_personal(shelf, command, self._occupancy, now, self._policy))
        except NotAllowed as refusal:
            self._refuse(command, str(refusal), refusal.cause)

    def revert(self, command: LabelRevert) -> None:
        """A verified command of central; with a quote it only ends that quote."""
        shelf = self._shelves.get(command.label)
        if shelf is None or (command.quote is not None and shelf.want.quote != command.quote):
            return
        self._set(rules.go_public(shelf, "command", self._clock.monotonic(), command.sequence))

    def hear(self, event: Report) -> None:
        """An event of this node: zones and visits. It can only ever take a personal price back."""
        now = self._clock.monotonic()
        self._occupancy = self._occupancy.step(event)
        for shelf in list(self._shelves.values()):
            self._set(rules.look_round(rules.visit_changed(shelf, event, now), self._occupancy, now))

    def hear_all(self, events: list[Report]) -> None:
        """Several events in order."""
        for event in events:
            self.hear(event)

    def tick(self) -> None:
        """Deadlines; also labels that do not answer."""
        now = self._clock.monotonic()
        for shelf in list(self._shelves.values()):
            self._set(rules.expire(shelf, now))
            self._check_reachable(self._shelves[shelf.label], now)

    def counts(self) -> LabelCounts:
        """Labels that should be or may be personal, wait for their glass, or do not answer."""
        pairs = [(shelf, self._glasses[label]) for label, shelf in self._shelves.items()]
        return LabelCounts(
            sum(shelf.want.variant == "personal" for shelf, _ in pairs),
            sum(glass.done != shelf.want.generation for shelf, glass in pairs),
            sum(glass.done != shelf.want.generation == glass.reported for shelf, glass in pairs),
        )

    def wanted(self, label: str) -> Want:
        """What a label should show now."""
        return self._shelves[label].want

    def confirmed(self, label: str) -> bool:
        """Whether the glass was confirmed to show what it should."""
        return self._glasses[label].done == self._shelves[label].want.generation

    def _set(self, shelf: Shelf) -> None:
        before = self._shelves[shelf.label]
        self._shelves[shelf.label] = shelf
        if shelf.want.generation != before.want.generation:
            glass = self._glasses[shelf.label]
            glass.attempts = 0
            glass.wake.set()

    def _remember_public(self, command: LabelShow) -> None:
        try:
            self._records.public(command.label, command.content)
        except sqlite3.Error as error:
            log.error("label %s: its public price is shown but could not be remembered (%s)", command.label, error)

    def _refuse(self, command: LabelShow, why: str, cause: rules.Cause) -> None:
        self.refused["label_" + cause] += 1
        log.info("label %s: %s price not shown: %s", command.label, command.variant, why)
        state = LabelState(
            label=command.label,
            state="failed",
            variant=command.variant,
            quote=command.quote,
            command=command.sequence,
            cause=cause,
            at=self._clock.now(),
        )
        self._emit([state])

    # What goes out

    async def _follow(self, label: str) -> None:
        glass = self._glasses[label]
        while True:
            wait = self._wait_s(label)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(glass.wake.wait(), wait)
            glass.wake.clear()
            want = self._shelves[label].want
            if want.generation not in (glass.done, glass.uploaded):
                await self._push(label, want)

    def _wait_s(self, label: str) -> float | None:
        glass, want = self._glasses[label], self._shelves[label].want
        if want.generation in (glass.done, glass.uploaded):
            return None
        return delay_s(self._pace.retry, glass.attempts, 0.5)

    async def _push(self, label: str, want: Want) -> None:
        glass = self._glasses[label]
        glass.attempts += 1
        if want.variant == "personal" and not self._remember_personal(label, want):
            return
        try:
            info = await self._info(glass.address, fresh=bool(glass.hash))
            if self._shelves[label].want.generation != want.generation:
                return  # something newer is wanted meanwhile
            if want.variant == "public" and glass.hash and info.content_hash == glass.hash and info.pending == 0:
                glass.uploaded = want.generation
                self._shown(label, glass.hash)
                return
            glass.hash = ""
            picture = self._picture(want, Glass(info.width, info.height, info.colours))
            glass.early = None
            upload = await self._driver.upload(glass.address, picture)
        except TransientError as error:
            if glass.attempts == 1:
                log.warning("label %s: not sent (%s); trying again", label, error)
            return
        except HardwareError as error:
            self._unreachable(label, want, str(error))
            return
        self._uploaded(label, want, upload)

    def _remember_personal(self, label: str, want: Want) -> bool:
        try:
            self._records.personal(label, want.quote)
        except sqlite3.Error as error:
            log.error("label %s: personal price not shown, it could not be remembered (%s)", label, error)
            self._report(label, want, "failed")
            self._set(rules.go_public(self._shelves[label], "report", self._clock.monotonic()))
            return False
        return True

    def _picture(self, want: Want, glass: Glass) -> Image.Image:
        if want.content is None:
            return render_without_price(glass)
        return render(want.content, glass, personal=want.variant == "personal")

    async def _info(self, address: str, *, fresh: bool) -> LabelInfo:
        if fresh or address not in self._infos:
            self._infos = {info.address.upper(): info for info in await self._driver.tags()}
        info = self._infos.get(address)
        if info is None:
            raise PermanentError(
                f"the access point does not know a label with address {address}", "Check labels.map, or pair the label"
            )
        return info

    def _uploaded(self, label: str, want: Want, upload: Upload) -> None:
        glass, now = self._glasses[label], self._clock.monotonic()
        glass.upload, glass.carried, glass.uploaded = upload, want, want.generation
        self._shelves[label] = replace(self._shelves[label], pushed_at=now)
        if upload.already_shown:
            self._shown(label, upload.baseline_hash)
            return
        if self._shelves[label].want.generation == want.generation:
            self._report(label, want, "pending")
        if glass.early is not None and glass.early.image_digest == upload.image_digest:
            self._shown(label, glass.early.content_hash)

    # What the label system reports

    async def _listen(self) -> None:
        async for report in self._driver.reports():
            label = self._by_address.get(report.address.upper())
            if label is not None:
                self._take(label, report)

    def _take(self, label: str, report: LabelReport) -> None:
        glass = self._glasses[label]
        if report.battery_mv is not None:
            glass.battery_mv = report.battery_mv
        ours = glass.upload is not None and report.image_digest == glass.upload.image_digest
        match report.state:
            case Glassed.SHOWN if ours:
                self._shown(label, report.content_hash)
            case Glassed.SHOWN:
                glass.early = report
            case Glassed.FAILED if ours:
                self._failed(label, report.detail)
            case Glassed.LOW_BATTERY:
                self._battery_low(label, report.battery_mv or 0)
            case Glassed.SEEN if (report.battery_mv or 0) >= glass.low_mv + BATTERY_RECOVERED_MV:
                self._shelves[label] = replace(self._shelves[label], battery_low=False)
            case _:
                pass

    def _shown(self, label: str, content_hash: str) -> None:
        glass, want = self._glasses[label], self._shelves[label].want
        if glass.uploaded != want.generation:
            # Something newer is on its way. A personal price that did appear is reported: it may be charged.
            if glass.carried is not None and glass.carried.variant == "personal":
                self._report(label, glass.carried, "shown")
            return
        if glass.done == want.generation:
            return
        glass.done = want.generation
        glass.attempts = 0
        if want.variant == "public" and want.content is not None:
            self._remember_shown(label, content_hash)
        self._report(label, want, "shown")
        if want.variant == "personal" and self._pace.flash_s > 0:
            flash = asyncio.create_task(self._flash(glass.address))
            self._flashes.add(flash)
            flash.add_done_callback(self._flashes.discard)

    def _remember_shown(self, label: str, content_hash: str) -> None:
        self._glasses[label].hash = content_hash
        try:
            self._records.confirmed(label, content_hash)
        except sqlite3.Error as error:
            log.warning("label %s: will be sent again after a restart, its state was not saved (%s)", label, error)

    async def _flash(self, address: str) -> None:
        try:
            await self._driver.flash_led(address, self._pace.flash_s)
        except HardwareError as error:
            log.debug("label light: %s", error)

    def _failed(self, label: str, detail: str) -> None:
        glass, shelf = self._glasses[label], self._shelves[label]
        if glass.uploaded != shelf.want.generation:
            return
        glass.upload, glass.uploaded = None, 0
        log.warning("label %s: did not take its picture (%s)", label, detail)
        self._report(label, shelf.want, "failed")
        self._set(rules.go_public(shelf, "report", self._clock.monotonic()))
        glass.wake.set()

    def _battery_low(self, label: str, millivolts: int) -> None:
        shelf = self._shelves[label]
        self._glasses[label].low_mv = millivolts
        if not shelf.battery_low:
            log.warning("label %s: battery low (%d mV); it shows public prices only", label, millivolts)
            self._shelves[label] = replace(shelf, battery_low=True)
            self._report(label, shelf.want, "battery_low")

    def _unreachable(self, label: str, want: Want, why: str) -> None:
        glass = self._glasses[label]
        if glass.reported == want.generation:
            return
        glass.reported = want.generation
        log.warning("label %s: unreachable (%s)", label, why)
        self._report(label, want, "unreachable")

    def _check_reachable(self, shelf: Shelf, now: float) -> None:
        glass = self._glasses[shelf.label]
        late = now - shelf.want.asked_at > self._pace.unreachable_after_s
        if late and glass.done != shelf.want.generation:
            self._unreachable(shelf.label, shelf.want, "no confirmation from the label")

    def _report(self, label: str, want: Want, state: State) -> None:
        report = LabelState(
            label=label,
            state=state,
            variant=want.variant,
            quote=want.quote,
            command=want.command,
            price=None if want.content is None else want.content.price,
            cause=want.cause,
            after_s=round(max(0.0, self._clock.monotonic() - want.asked_at), 3),
            battery_mv=self._glasses[label].battery_mv,
            at=self._clock.now(),
        )
        self._emit([report])

    async def _watch(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(self._pace.tick_s)
