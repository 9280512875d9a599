"""The audit page in a browser: a recording whose people are known is counted by keys and by mouse, then compared."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from calibration.audit.file import read_audit
from calibration.source import source_of
from calibration.web.audit_desk import AuditDesk, Task
from calibration.web.audit_page import AuditPage
from calibration.web.server import Listen, PageServer
from contract.clock import SystemClock
from contract.events import LineCrossed, ZoneLeft

SHOTS = os.environ.get("CALIBRATION_SCREENSHOTS")
START = datetime(2000, 1, 1, tzinfo=UTC)
FPS, SECONDS = 10, 24
CROSSINGS = (4.0, 7.0, 10.0, 13.0)
STAYS = ((5.0, 9.0), (8.0, 14.0), (11.0, 18.0), (15.0, 19.0))


def film(path: Path) -> Path:
    """A bright square walks; its column tells the second, so that a frame can be recognised."""
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (640, 360))
    for number in range(SECONDS * FPS):
        picture = np.full((360, 640, 3), 60, np.uint8)
        left = 20 + number * 2
        cv2.rectangle(picture, (left, 150), (left + 40, 300), (80, 200, 240), -1)
        cv2.putText(picture, f"{number / FPS:.1f}", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 3)
        out.write(picture)
    out.release()
    return path


def said(path: Path) -> Path:
    """The node missed the last crossing and one stay, and is a little late with the others."""
    events: list[tuple[str, LineCrossed | ZoneLeft]] = [
        (
            "line.crossed",
            LineCrossed(line="door", direction="in", track=f"f-{i}", at=START + timedelta(seconds=at + 0.3)),
        )
        for i, at in enumerate(CROSSINGS[:-1])
    ]
    events += [
        (
            "zone.left",
            ZoneLeft(zone="shelf", track=f"f-{i}", dwell_s=b - a + 0.4, at=START + timedelta(seconds=b + 0.4)),
        )
        for i, (a, b) in enumerate(STAYS[:-1])
    ]
    lines = [
        json.dumps({"type": "com.vitrina.v1." + kind, "data": event.model_dump(mode="json")}) for kind, event in events
    ]
    path.write_text("\n".join(["not an event", *lines]) + "\n")
    return path


@dataclass
class Bench:
    url: str
    out: Path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    out = tmp_path / "floor.audit.yaml"
    source = source_of(str(film(tmp_path / "film.avi")))
    desk = AuditDesk(Task("floor", source, said(tmp_path / "events.jsonl"), START, out), SystemClock())
    server = PageServer(Listen(), lambda server: AuditPage(desk, "floor", server).application())
    server.start()
    yield Bench(server.url, out)
    server.stop()


def opened(browser: Browser, url: str, width: int, height: int, language: str) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, locale=language).new_page()
    page.set_default_timeout(20_000)
    page.goto(url)
    expect(page.locator("#clock")).to_have_text("0:00.0")
    return page


def watch_all(page: Page) -> None:
    """Fast forward, without a gap."""
    page.locator("#speed").select_option("4")
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false", timeout=60_000)


def seek(page: Page, at: float) -> None:
    page.locator("#seek").evaluate("(one, at) => { one.value = at; one.dispatchEvent(new Event('change')); }", at)
    minutes, seconds = divmod(at, 60)
    expect(page.locator("#clock")).to_have_text(f"{int(minutes)}:{seconds:04.1f}")


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_counted_by_keys_and_compared(browser: Browser, bench: Bench) -> None:
    page = opened(browser, bench.url, 1280, 900, "en")
    expect(page.locator("#notice")).to_contain_text("1 lines")
    watch_all(page)
    page.locator("h1").click()
    for at in CROSSINGS:
        seek(page, at)
        page.locator("h1").click()
        page.keyboard.press("i")
    page.keyboard.press("o")
    page.keyboard.press("z")
    for start, end in STAYS:
        seek(page, start)
        page.keyboard.press("s")
        seek(page, end)
        page.keyboard.press("1")
    expect(page.locator("#sums")).to_have_text("In 4 · out 0 · stays 4")
    page.locator("#compare").click()
    expect(page.locator("#result")).to_contain_text("of 4 people; missed 1, too many 0")
    expect(page.locator("#result")).to_contain_text("4 stays, missed 1")
    page.locator("#save").click()
    expect(page.locator("#notice")).to_contain_text("Say who counted")
    page.locator("#operator").fill("V. Manager")
    page.locator("#save").click()
    expect(page.locator("#saved")).to_contain_text("Saved")
    shot(page, "audit-1280")
    record = read_audit(bench.out)
    assert record.operator == "V. Manager"
    assert record.watched_s > SECONDS - 2
    assert record.count is not None
    assert (record.count.counted, record.count.missed, record.count.extra) == (4, 1, 0)
    assert record.count.low < -0.25 < record.count.high
    assert record.dwell is not None
    assert record.dwell.mean_abs_s == pytest.approx(0.4, abs=0.11)
    assert record.until > record.audited_at
    page.context.close()


def test_counted_with_a_finger_in_russian(browser: Browser, bench: Bench) -> None:
    page = opened(browser, bench.url, 390, 844, "ru")
    expect(page.locator("h1")).to_contain_text("Сосчитать и сравнить")
    page.locator("#compare").click()
    expect(page.locator("#notice")).to_contain_text("хотя бы десять секунд")
    watch_all(page)
    for at in CROSSINGS:
        seek(page, at)
        page.locator("#in").click()
    seek(page, 5.0)
    page.locator("#begin").click()
    seek(page, 9.0)
    page.locator("#open button").click()
    page.locator("#compare").click()
    expect(page.locator("#result")).to_contain_text("пропущено 1, лишних 0")
    expect(page.locator("#result")).to_contain_text("Совпало меньше трёх остановок")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shot(page, "audit-phone-ru")
    page.context.close()
