"""Every page on a phone and on a desk, in both languages and both lights: nothing sticks out, nothing is unlabelled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from central.web.assets import NODE_MODULES

if TYPE_CHECKING:
    from conftest import FakeNode, Visitor

PAGES = (
    "/login",
    "/arrivals",
    "/floor",
    "/analytics",
    "/labels",
    "/prices",
    "/contribution",
    "/contribution/marina",
    "/contribution/all/sales",
    "/system",
    "/system/site",
    "/system/api",
    "/me",
    "/me/scan",
    "/codes",
    "/no-such-page",
)
AXE = NODE_MODULES / "axe-core" / "axe.min.js"
TITLES = {
    "/login": "Войти",
    "/arrivals": "Гости",
    "/floor": "Зал",
    "/analytics": "Показатели",
    "/labels": "Ценники",
    "/prices": "Цены",
    "/contribution": "Вклад",
    "/system": "Система",
    "/system/site": "Обратно на сайт",
}


LOOKS = [(390, 1280, "ru", True), (1280, 390, "en", False)]
"""First width, second width, language, dark."""

SMALL = """() => [...document.querySelectorAll('button, nav a, .languages a, select')]
  .filter((it) => it.offsetParent && !it.closest('.leaflet-control') && it.getBoundingClientRect().height < 40)
  .map((it) => it.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize(("width", "other_width", "language", "dark"), LOOKS)
@pytest.mark.parametrize("path", PAGES)
def test_fits_and_is_accessible(
    path: str, width: int, other_width: int, language: str, dark: bool, visitor: Visitor, node: FakeNode
) -> None:
    visit = node.arrive("extra7")
    node.settle()
    page = visitor.staff("vera", path, width=width, height=844, language=language, dark=dark)
    heading = page.locator("h1:visible")
    expect(heading).to_have_count(1)
    expect(page.locator("html")).to_have_attribute("lang", language)
    if language == "ru" and path in TITLES:
        expect(heading).to_have_text(TITLES[path])
    expect(page.locator("[aria-busy=true]")).to_have_count(0)  # what is being loaded is dimmed on purpose
    found = axe(page, AXE) if AXE.is_file() else []
    for size in (width, other_width):
        page.set_viewport_size({"width": size, "height": 844})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= size
        assert page.evaluate(SMALL) == []
    node.leave(visit)
    assert found == []
    if not AXE.is_file():
        pytest.skip("axe-core is a development dependency: npm ci --prefix central/web --ignore-scripts")


def axe(page: Page, source: Path) -> object:
    """Violations of WCAG 2.1 A and AA that axe-core finds, as short lines."""
    page.evaluate(source.read_text(encoding="utf-8"))
    return page.evaluate("""async () => {
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
      const result = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
      const line = (node) => node.html.slice(0, 90) + ' ' + (node.any[0]?.message ?? '');
      return result.violations.map((one) => `${one.id}: ${one.nodes.map(line).join(' | ')}`);
    }""")
