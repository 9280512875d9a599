"""The label client against the emulated access point, every fault included."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from contract.clock import SystemClock
from hardware.errors import PermanentError, TransientError
from hardware.labels.base import LabelReport, LabelState
from hardware.labels.emulator import AccessPointEmulator
from hardware.labels.image import nearest
from hardware.labels.openepaperlink import OpenEpaperLink
from hardware.labels.options import OpenEpaperLinkOptions
from hardware.labels.virtual import VirtualTag

FIRST, SECOND = "00000000E0000001", "00000000E0000002"


@dataclass
class Shop:
    """An emulated access point, our driver on it, and all reports so far."""

    emulator: AccessPointEmulator
    driver: OpenEpaperLink
    reports: list[LabelReport] = field(default_factory=list)

    async def until(self, wanted: Callable[[], bool], seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            while not wanted():
                await asyncio.sleep(0.01)

    def states(self, address: str = FIRST) -> list[LabelState]:
        ignored = (LabelState.SEEN, LabelState.LOW_BATTERY)
        return [report.state for report in self.reports if report.address == address and report.state not in ignored]

    async def until_state(self, state: LabelState, digest: str) -> LabelReport:
        def found() -> list[LabelReport]:
            return [each for each in self.reports if each.state is state and each.image_digest == digest]

        await self.until(lambda: bool(found()))
        return found()[0]

    def posts(self) -> int:
        return self.emulator.requests.count(("POST", "/imgupload"))


@asynccontextmanager
async def shop(
    tags: int = 2, settle_s: float = 0.6, give_up_s: float = 30.0, checkin_s: float = 0.15, **more: float
) -> AsyncIterator[Shop]:
    virtual = [VirtualTag(f"{0xE0000000 + number:016X}") for number in range(1, tags + 1)]
    emulator = AccessPointEmulator(
        virtual, clock=SystemClock(), checkin_s=checkin_s, refresh_s=0.05, prepare_s=0.02, system_s=0.3
    )
    await emulator.start()
    options = OpenEpaperLinkOptions.model_validate(
        {"url": emulator.url, "settle_s": settle_s, "give_up_s": give_up_s, **more}
    )
    driver = OpenEpaperLink(options, SystemClock())
    await driver.open()
    scene = Shop(emulator, driver)

    async def collect() -> None:
        async for report in driver.reports():
            scene.reports.append(report)

    collecting = asyncio.create_task(collect())
    try:
        yield scene
    finally:
        await driver.close()
        await asyncio.wait_for(collecting, 2)
        await emulator.stop()


def price(text: str, size: tuple[int, int] = (384, 168)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, size[0], 40), fill="red")
    pen.text((12, 60), text, fill="black", font_size=64)
    return image


async def test_an_image_is_pending_then_shown_exactly_as_sent() -> None:
    async with shop() as scene:
        picture = price("1 299")
        upload = await scene.driver.upload(FIRST, picture)
        assert not upload.already_shown
        report = await scene.until_state(LabelState.SHOWN, upload.image_digest)
        assert scene.states() == [LabelState.PENDING, LabelState.SHOWN]
        assert report.content_hash == scene.emulator.tags[FIRST].hash != upload.baseline_hash
        assert report.battery_mv == 2950
        async with httpx.AsyncClient() as browser:
            glass = (await browser.get(f"{scene.emulator.url}/virtual/{FIRST}.png")).content
        shown = Image.open(io.BytesIO(glass)).convert("RGB")
        assert shown.tobytes() == nearest(picture, ("white", "black", "red")).convert("RGB").tobytes()
        assert scene.emulator.tags[SECOND].payload is None


async def test_tags_tell_size_colours_and_battery() -> None:
    async with shop() as scene:
        labels = {info.address: info for info in await scene.driver.tags()}
    assert set(labels) == {FIRST, SECOND}
    info = labels[FIRST]
    assert (info.width, info.height, info.colours) == (384, 168, ("white", "black", "red"))
    assert (info.battery_mv, info.rssi, info.lqi, info.temperature_c, info.pending) == (2950, -55, 180, 21, 0)


async def test_the_database_is_read_page_by_page() -> None:
    async with shop(tags=60) as scene:
        labels = await scene.driver.tags()
        assert len({info.address for info in labels}) == 60
        assert scene.emulator.requests.count(("GET", "/get_db")) > 3


async def test_the_same_image_is_not_sent_again() -> None:
    async with shop() as scene:
        first = await scene.driver.upload(FIRST, price("99"))
        twin = await scene.driver.upload(FIRST, price("99"))
        assert twin == first
        await scene.until_state(LabelState.SHOWN, first.image_digest)
        again = await scene.driver.upload(FIRST, price("99"))
        assert again.already_shown
        await scene.until(lambda: scene.states() == [LabelState.PENDING, LabelState.SHOWN, LabelState.SHOWN])
        assert scene.posts() == 1


async def test_an_image_already_on_the_glass_before_we_started_is_proven_by_a_repeat() -> None:
    """A fresh driver does not know the glass; the access point ignores an equal image for ever."""
    async with shop() as scene:
        first = await scene.driver.upload(FIRST, price("42"))
        await scene.until_state(LabelState.SHOWN, first.image_digest)
        hash_before = scene.emulator.tags[FIRST].hash
        other = OpenEpaperLink(
            OpenEpaperLinkOptions.model_validate({"url": scene.emulator.url, "settle_s": 0.5}), SystemClock()
        )
        await other.open()
        try:
            upload = await other.upload(FIRST, price("42"))
            async with asyncio.timeout(10):
                async for report in other.reports():
                    if report.state is LabelState.SHOWN:
                        break
            assert report.image_digest == upload.image_digest
            assert report.content_hash != hash_before
            assert scene.posts() == 3
        finally:
            await other.close()


async def test_a_newer_image_supersedes_and_is_what_is_shown() -> None:
    async with shop(checkin_s=0.4) as scene:
        old = await scene.driver.upload(FIRST, price("1"))
        new = await scene.driver.upload(FIRST, price("2"))
        report = await scene.until_state(LabelState.SHOWN, new.image_digest)
        assert report.content_hash == scene.emulator.tags[FIRST].hash
        assert scene.emulator.tags[FIRST].pending == 0
        assert not [each for each in scene.reports if each.image_digest == old.image_digest and each.state == "shown"]


async def test_going_back_while_another_image_is_on_its_way() -> None:
    """Public price shown, personal sent, then withdrawn at once: the label must end at the public price."""
    async with shop(checkin_s=0.4) as scene:
        public = await scene.driver.upload(FIRST, price("100"))
        await scene.until_state(LabelState.SHOWN, public.image_digest)
        await scene.driver.upload(FIRST, price("90"))
        await scene.until(lambda: scene.emulator.tags[FIRST].pending == 1)
        scene.reports.clear()
        back = await scene.driver.upload(FIRST, price("100"))
        assert not back.already_shown
        await scene.until_state(LabelState.SHOWN, back.image_digest)
        glass = np.asarray(scene.emulator.tags[FIRST].glass())
        wanted = np.asarray(nearest(price("100"), ("white", "black", "red")).convert("RGB"))
        # At most the corner pixel that makes the content new.
        assert (glass != wanted).any(axis=2).sum() <= 1


async def test_uploads_at_the_same_moment_end_with_the_last() -> None:
    async with shop() as scene:
        await scene.driver.tags()
        uploads = await asyncio.gather(*(scene.driver.upload(FIRST, price(str(number))) for number in range(4)))
        await scene.until_state(LabelState.SHOWN, uploads[-1].image_digest)
        shown = np.asarray(scene.emulator.tags[FIRST].glass())
        assert (shown == np.asarray(nearest(price("3"), ("white", "black", "red")).convert("RGB"))).all()
        assert scene.emulator.tags[FIRST].pending == 0


async def test_a_label_removed_from_the_access_point() -> None:
    async with shop() as scene:
        await scene.driver.tags()
        scene.emulator.tags[FIRST].offline = True
        upload = await scene.driver.upload(FIRST, price("5"))
        del scene.emulator.core.tags[FIRST]
        await scene.emulator.drop_websockets()
        report = await scene.until_state(LabelState.FAILED, upload.image_digest)
        assert "removed" in report.detail
        assert [info.address for info in await scene.driver.tags()] == [SECOND]


async def test_busy_access_point_is_asked_again() -> None:
    async with shop() as scene:
        await scene.driver.tags()
        scene.emulator.faults.busy = 2
        upload = await scene.driver.upload(FIRST, price("7"))
        await scene.until_state(LabelState.SHOWN, upload.image_digest)
        assert scene.posts() == 3


async def test_an_accepted_but_forgotten_upload_is_sent_again() -> None:
    async with shop() as scene:
        await scene.driver.tags()
        scene.emulator.faults.lose = 1
        upload = await scene.driver.upload(FIRST, price("8"))
        await scene.until_state(LabelState.SHOWN, upload.image_digest)
        assert scene.posts() == 2


async def test_broken_transfers_are_retried_by_the_label() -> None:
    async with shop() as scene:
        scene.emulator.tags[FIRST].fail_transfers = 4
        upload = await scene.driver.upload(FIRST, price("9"))
        await scene.until_state(LabelState.SHOWN, upload.image_digest)
        assert scene.posts() == 1


async def test_a_transfer_given_up_by_the_access_point_is_sent_again() -> None:
    async with shop(checkin_s=0.04) as scene:
        scene.emulator.tags[FIRST].fail_transfers = 20
        upload = await scene.driver.upload(FIRST, price("9"))
        await scene.until_state(LabelState.SHOWN, upload.image_digest)
        assert scene.posts() == 2


async def test_a_label_out_of_reach_is_given_up_and_others_are_not_delayed() -> None:
    async with shop(give_up_s=2.0) as scene:
        await scene.driver.tags()
        scene.emulator.tags[FIRST].offline = True
        far = await scene.driver.upload(FIRST, price("10"))
        near = await scene.driver.upload(SECOND, price("11"))
        await scene.until_state(LabelState.SHOWN, near.image_digest)
        report = await scene.until_state(LabelState.FAILED, far.image_digest)
        assert "not shown after" in report.detail
        scene.emulator.tags[FIRST].offline = False
        again = await scene.driver.upload(FIRST, price("12"))
        await scene.until_state(LabelState.SHOWN, again.image_digest)


async def test_a_dropped_websocket_loses_no_confirmation() -> None:
    async with shop() as scene:
        await scene.driver.tags()
        upload = await scene.driver.upload(FIRST, price("13"))
        await scene.emulator.drop_websockets()
        await scene.until_state(LabelState.SHOWN, upload.image_digest)
        assert scene.driver.online


async def test_a_restart_that_forgets_the_queue() -> None:
    async with shop() as scene:
        await scene.driver.tags()
        scene.emulator.tags[FIRST].offline = True
        upload = await scene.driver.upload(FIRST, price("14"))
        await scene.until_state(LabelState.PENDING, upload.image_digest)
        restart = asyncio.create_task(scene.emulator.reboot(down_s=0.5))
        await scene.until(lambda: not scene.driver.online)
        with pytest.raises(TransientError):
            await scene.driver.upload(SECOND, price("15"))
        await restart
        scene.emulator.tags[FIRST].offline = False
        await scene.until_state(LabelState.SHOWN, upload.image_digest)
        assert scene.posts() >= 2


async def test_a_silent_websocket_is_taken_for_dead() -> None:
    async with shop(silence_s=0.7) as scene:
        await scene.driver.tags()
        scene.emulator.faults.mute = True
        upload = await scene.driver.upload(FIRST, price("16"))
        # Confirmed all the same: every reconnect reads the database.
        await scene.until_state(LabelState.SHOWN, upload.image_digest)


async def test_damaged_messages_are_counted_and_skipped() -> None:
    async with shop() as scene:
        await scene.driver.tags()
        scene.emulator.faults.garbage = 3
        upload = await scene.driver.upload(FIRST, price("17"))
        await scene.until_state(LabelState.SHOWN, upload.image_digest)
        assert scene.driver.damaged_messages == 3


async def test_slow_and_failing_answers_are_transient() -> None:
    async with shop(request_timeout_s=0.4) as scene:
        await scene.driver.tags()
        scene.emulator.faults.slow_s = 1.0
        with pytest.raises(TransientError, match="does not answer in time"):
            await scene.driver.upload(FIRST, price("18"))
        scene.emulator.faults.slow_s = 0.0
        await scene.until(lambda: scene.driver.online)
        scene.emulator.faults.fail = 1
        with pytest.raises(TransientError, match="out of memory"):
            await scene.driver.upload(FIRST, price("18"))


async def test_low_battery_is_told_once_and_again_after_a_new_one() -> None:
    async with shop() as scene:

        def warnings() -> int:
            return sum(report.state is LabelState.LOW_BATTERY for report in scene.reports)

        tag = scene.emulator.tags[FIRST]
        tag.battery_mv = 2310
        await scene.until(lambda: warnings() == 1)
        seen = len(scene.reports)
        await scene.until(lambda: len(scene.reports) > seen + 1)
        assert warnings() == 1
        tag.battery_mv = 2900
        await scene.until(lambda: scene.reports[-1].battery_mv == 2900)
        tag.battery_mv = 2300
        await scene.until(lambda: warnings() == 2)


async def test_the_light_flashes_at_the_next_check_in() -> None:
    async with shop() as scene:
        await scene.driver.flash_led(FIRST, seconds=5)
        await scene.until(lambda: bool(scene.emulator.tags[FIRST].obeyed))
        assert scene.emulator.tags[FIRST].obeyed == ["led:021C53010000000000000400"]
        await scene.driver.command(FIRST, "ledflash_stop")
        await scene.until(lambda: scene.emulator.tags[FIRST].obeyed[-1] == "ledflash_stop")


async def test_unknown_label_and_wrong_size_need_a_person() -> None:
    async with shop() as scene:
        with pytest.raises(PermanentError, match=r"knows no label 00000000E00000FF"):
            await scene.driver.upload("00000000E00000FF", price("1"))
        with pytest.raises(PermanentError, match="296x128 pixels, label 00000000E0000001 has 384x168"):
            await scene.driver.upload(FIRST, price("1", (296, 128)))
        assert scene.posts() == 0


async def test_an_access_point_that_is_not_there() -> None:
    options = OpenEpaperLinkOptions.model_validate({"url": "http://127.0.0.1:9", "request_timeout_s": 0.5})
    driver = OpenEpaperLink(options, SystemClock())
    await driver.open()
    try:
        for _ in range(2):
            with pytest.raises(TransientError, match=r"127\.0\.0\.1:9"):
                await driver.tags()
        assert not driver.online
    finally:
        await driver.close()
