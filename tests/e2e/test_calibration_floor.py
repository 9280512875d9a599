"""The floor calibration page in a browser: a simulated camera of known geometry, mouse and keyboard, both languages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, Route, expect

from calibration.floor_file import read_floor
from calibration.homography import project
from calibration.markers import marker_sheets
from calibration.plan_file import read_plan
from calibration.source import source_of
from calibration.web.floor_desk import Files, FloorDesk
from calibration.web.floor_page import FloorPage
from calibration.web.server import Listen, PageServer
from contract.clock import SystemClock
from simulator.scenes.cameras import MjpegCamera
from simulator.scenes.floor import FloorScene

SHOTS = os.environ.get("CALIBRATION_SCREENSHOTS")
SIZE = (1280, 720)
PLAN = (10.0, 8.0)
FLIP = np.array([[1.0, 0, 0], [0, -1.0, PLAN[1]], [0, 0, 1.0]])
"""The scene counts metres away from the camera, a plan is drawn from its north-west corner down."""
SEEN = [(200, 650), (1100, 640), (640, 480), (300, 420), (1000, 420), (640, 620)]


@dataclass
class Bench:
    """The running page and what is true about its camera."""

    url: str
    truth: np.ndarray
    folder: Path

    @property
    def floor(self) -> Path:
        return self.folder / "floor.floor.yaml"

    def plan_of(self, pixels: list[tuple[float, float]]) -> np.ndarray:
        return project(self.truth, np.array(pixels, float))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    scene = FloorScene(seed=1)
    with MjpegCamera(lambda now: scene.render(now, []), fps=6, clock=SystemClock(), port=0) as camera:
        files = Files(tmp_path / "floor.floor.yaml", tmp_path / "plan.yaml")
        desk = FloorDesk("floor", source_of(camera.url), None, files, SystemClock(), lambda _seconds: None)
        server = PageServer(Listen(), lambda server: FloorPage(desk, server).application())
        server.start()
        yield Bench(server.url, FLIP @ scene.homography, tmp_path)
        server.stop()


@pytest.fixture
def opened(browser: Browser, bench: Bench) -> Iterator[object]:
    complaints: list[str] = []
    contexts = []

    def open_page(width: int = 1280, height: int = 900, language: str = "en", dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=language, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.goto(bench.url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [one for one in complaints if "Failed to load resource" not in one] == []


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def click(page: Page, pane: str, place: tuple[float, float], size: tuple[float, float]) -> None:
    """At a place of the picture or plan, in its own units."""
    svg = page.locator(f"#{pane} svg")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    assert box is not None
    svg.click(position={"x": place[0] / size[0] * box["width"], "y": place[1] / size[1] * box["height"]}, force=True)


def take(page: Page) -> None:
    page.locator("#take").click()
    expect(page.locator("#picture image")).to_have_count(1)


def tool(page: Page, name: str) -> None:
    page.locator(f'[data-tool="{name}"]').click()


def test_points_by_mouse_give_the_true_floor(opened, bench: Bench) -> None:
    page = opened()
    take(page)
    for pixel, place in zip(SEEN, bench.plan_of(SEEN).tolist(), strict=True):
        click(page, "picture", pixel, SIZE)
        click(page, "plan", place, PLAN)
    expect(page.locator("#state")).to_contain_text("Valid")
    expect(page.locator("#picture .grid").first).to_be_attached()
    page.locator("#operator").fill("A. Installer")
    page.locator("#save").click()
    expect(page.locator("#saved")).to_contain_text("The calibration is valid")
    expect(page.locator("#saved")).to_contain_text("notice when the camera is moved")
    shot(page, "floor-points-1280")
    record = read_floor(bench.floor)
    assert record.verdict == "VALID"
    assert record.operator == "A. Installer"
    assert record.image_size == SIZE
    assert record.background is not None
    off = np.linalg.norm(project(record.matrix, np.array(SEEN, float)) - bench.plan_of(SEEN), axis=1)
    assert off.max() < 0.15, "a click is a pixel or two of the page"


def test_zones_lines_and_faults_by_mouse(opened, bench: Bench) -> None:
    page = opened()
    tool(page, "zones")
    for corner in [(2, 2), (5, 5), (5, 2), (2, 5)]:
        click(page, "plan", corner, PLAN)
    fault = page.locator("#table .fault")
    expect(fault).to_contain_text("crosses or touches itself")
    page.locator("#operator").fill("A")
    page.locator("#save").click()
    expect(page.locator("#notice")).to_contain_text("not in order yet")
    assert not (bench.folder / "plan.yaml").exists()
    page.locator("#plan svg").scroll_into_view_if_needed()
    handles = {n: page.locator(f'#plan [data-key="zone-0-{n}"]').bounding_box() for n in (1, 2, 3)}
    middle = {n: (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for n, box in handles.items() if box}
    page.mouse.move(*middle[1])
    page.mouse.down()
    page.mouse.move(middle[2][0], middle[2][1] - 5, steps=6)
    page.mouse.up()
    shot(page, "floor-half-way")
    third = page.locator('#plan [data-key="zone-0-2"]')
    third.focus()
    for _ in range(31):
        page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("#table .fault")).to_have_count(0)
    tool(page, "lines")
    for place in [(1, 6), (3, 6), (2, 5.5), (2, 7), (2, 5.7), (1, 6.5)]:
        click(page, "plan", place, PLAN)
    expect(page.locator("#table .fault")).to_have_count(1)  # a half-drawn line has another one
    expect(page.locator("#table .fault")).to_contain_text("crosses line-1")
    shot(page, "floor-faults-1280")
    page.get_by_label("line-2, to y", exact=True).fill("6.5")
    page.get_by_label("line-2, to y", exact=True).press("Tab")
    expect(page.locator("#table .fault")).to_have_count(0)


def test_an_answer_that_comes_late_takes_nothing_from_who_is_typing(opened, bench: Bench) -> None:
    """The tables are drawn anew with every verdict: half a place, and a number that is not finished, stay."""
    page = opened()
    take(page)
    held: list[Route] = []
    page.route("**/api/judge", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks the function

    def answer() -> None:
        while not held:
            page.wait_for_timeout(50)
        with page.expect_response("**/api/judge"):
            held.pop().continue_()
        page.wait_for_timeout(100)

    def field(name: str) -> Locator:
        return page.get_by_label(f"Point 1, {name}", exact=True)

    page.locator("#add").press("Enter")
    field("picture x").fill("200.5")
    field("picture x").press("Tab")
    answer()
    expect(field("picture x")).to_have_value("200.5")
    expect(field("picture y")).to_be_focused()
    field("picture y").press_sequentially("65")
    page.locator("#width").evaluate("it => it.dispatchEvent(new Event('change'))")  # something else makes it ask
    answer()
    expect(field("picture y")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type("0")
    field("picture y").press("Tab")
    expect(page.locator('#picture [data-key="point-0"]')).to_have_count(1)
    answer()
    assert [field(name).input_value() for name in ("picture x", "picture y")] == ["200.5", "650"]
    field("picture y").fill("640")
    page.locator("#width").evaluate("it => it.dispatchEvent(new Event('change'))")
    answer()
    page.locator("#operator").focus()  # leaving it is enough, though what was put back makes no event of its own
    answer()
    expect(field("picture y")).to_have_value("640")


def test_everything_by_keyboard_in_russian_on_a_phone(opened, bench: Bench) -> None:
    page = opened(390, 844, "ru")
    expect(page.locator("h1")).to_contain_text("Калибровка пола")
    page.locator("#take").press("Enter")
    expect(page.locator("#picture image")).to_have_count(1)
    for index, (pixel, place) in enumerate(zip(SEEN[:5], bench.plan_of(SEEN[:5]).tolist(), strict=True), start=1):
        page.locator("#add").press("Enter")
        for half, values in (("снимок", pixel), ("план", place)):
            for axis, value in zip("xy", values, strict=True):
                field = page.get_by_label(f"Точка {index}, {half} {axis}", exact=True)
                field.fill(f"{value:.3f}")
                field.press("Tab")
    expect(page.locator("#state")).to_contain_text("Годится")
    handle = page.locator('#picture [data-key="point-0"]')
    handle.focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowUp")
    expect(page.get_by_label("Точка 1, снимок y", exact=True)).to_have_value("620")
    expect(page.locator('#picture [data-key="point-0"]')).to_be_focused()
    expect(page.locator("#state")).to_contain_text("0.")
    shot(page, "floor-phone-ru")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, "nothing sticks out of a phone's screen"
    tool(page, "zones")
    page.locator("#add").press("Enter")
    add = page.get_by_role("button", name="Добавить угол")
    for index, corner in enumerate([(4, 3), (6, 3), (6, 4), (4, 4)], start=1):
        add.press("Enter")
        for axis, value in zip("xy", corner, strict=True):
            field = page.get_by_label(f"zone-1, угол {index} {axis}", exact=True)
            field.fill(str(value))
            field.press("Tab")
    page.locator("#operator").fill("Инженер")
    page.locator("#save").press("Enter")
    expect(page.locator("#saved")).to_contain_text("Сохранено")
    plan = read_plan(bench.folder / "plan.yaml")
    assert plan.operator == "Инженер"
    assert plan.zones[0].polygon == ((4, 3), (6, 3), (6, 4), (4, 4))
    assert "operator: Инженер" in (bench.folder / "plan.yaml").read_text(encoding="utf-8")
    shot(page, "floor-phone-zones-ru")


def test_wrong_points_are_marked_and_saved_as_invalid(opened, bench: Bench) -> None:
    places = bench.plan_of(SEEN)
    places[2] += (1.4, 0.8)
    points = [{"image": list(p), "floor": f} for p, f in zip(SEEN, places.tolist(), strict=True)]
    good = {"camera": "floor", "operator": "B", "calibrated_at": "2026-01-01T00:00:00Z", "verdict": "INVALID"}
    identity = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    bench.floor.write_text(yaml.safe_dump({**good, "homography": identity, "points": points}))
    page = opened(dark=True)
    take(page)
    expect(page.locator("#state")).to_contain_text("Invalid")
    expect(page.locator("#table tr.suspect")).to_contain_text("3")
    expect(page.locator("#summary")).to_contain_text("the points do not agree")
    shot(page, "floor-invalid-dark")
    page.locator("#save").click()
    expect(page.locator("#saved")).to_contain_text("not valid")
    assert read_floor(bench.floor).verdict == "INVALID"


def test_a_plan_is_dropped_and_scaled(opened, bench: Bench, tmp_path: Path) -> None:
    drawing = tmp_path / "shop.png"
    canvas = np.full((400, 500, 3), 255, np.uint8)
    cv2.rectangle(canvas, (50, 50), (450, 350), (90, 90, 90), 3)
    cv2.imwrite(str(drawing), canvas)
    page = opened()
    page.locator("#drawing").set_input_files(drawing)
    expect(page.locator("#plan image")).to_have_count(1)
    page.locator("#scale").click()
    for pixel in [(50, 50), (450, 50)]:
        click(page, "plan", pixel, (500, 400))
    page.locator("#distance").fill("16")
    page.locator("#apply").click()
    expect(page.locator("#width")).to_have_value("20", timeout=5000)
    expect(page.locator("#height")).to_have_value("16")


def test_no_marker_is_said(opened, bench: Bench) -> None:
    page = opened()
    take(page)
    page.locator("#find").click()
    expect(page.locator("#markers")).to_contain_text("No printed marker was found")


def test_nobody_without_the_key_sees_the_shop(browser: Browser, bench: Bench) -> None:
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(bench.url.partition("?")[0])
    assert answer is not None
    assert answer.status == 403
    assert "still" not in page.content()
    context.close()


def test_markers_on_the_floor_become_points(browser: Browser, tmp_path: Path) -> None:
    """Five printed markers lie on a rendered floor; only their places on the plan are typed in."""
    scene = FloorScene(seed=1)
    canvas = scene.render(0, [])
    places = [(3.4, 4.0), (5.0, 3.6), (6.6, 4.0), (4.0, 5.6), (6.2, 5.2)]
    for number, (x, y) in enumerate(places):
        sheet = np.asarray(marker_sheets(5, 500)[number].image(dpi=25.4)).astype(np.uint8)
        side = 0.53 / 2
        corners = np.array([(x - side, y + side), (x + side, y + side), (x + side, y - side), (x - side, y - side)])
        seen = project(np.linalg.inv(scene.homography), corners).astype(np.float32)
        flat = np.array([(0, 0), (530, 0), (530, 530), (0, 530)], np.float32)
        turn = cv2.getPerspectiveTransform(flat, seen)
        laid = cv2.warpPerspective(sheet[:530, :530], turn, SIZE, flags=cv2.INTER_AREA)
        mask = cv2.warpPerspective(np.full((530, 530), 255, np.uint8), turn, SIZE)
        canvas[mask > 128] = np.repeat(laid[mask > 128][:, None], 3, axis=1)
    picture = tmp_path / "view.png"
    cv2.imwrite(str(picture), canvas)
    files = Files(tmp_path / "floor.floor.yaml", tmp_path / "plan.yaml")
    desk = FloorDesk("floor", source_of(str(picture)), None, files, SystemClock(), lambda _seconds: None)
    server = PageServer(Listen(), lambda server: FloorPage(desk, server).application())
    server.start()
    context = browser.new_context(locale="en", viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        page.goto(server.url)
        take(page)
        page.locator("#find").click()
        expect(page.get_by_label("ArUco 4, plan x", exact=True)).to_be_visible()
        for number, place in enumerate(project(FLIP, np.array(places)).tolist()):
            for axis, value in zip("xy", place, strict=True):
                field = page.get_by_label(f"ArUco {number}, plan {axis}", exact=True)
                field.fill(f"{value:.2f}")
                field.press("Tab")
        expect(page.locator("#state")).to_contain_text("Valid")
        shot(page, "floor-markers")
        page.locator("#operator").fill("A")
        page.locator("#save").click()
        expect(page.locator("#saved")).to_contain_text("valid")
        record = read_floor(files.floor)
        truth = project(FLIP @ scene.homography, np.array(SEEN, float))
        assert np.linalg.norm(project(record.matrix, np.array(SEEN, float)) - truth, axis=1).max() < 0.15
    finally:
        context.close()
        server.stop()
