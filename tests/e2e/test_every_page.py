"""Every page on a phone and on a desk, in both languages and both lights: nothing sticks out, nothing is unlabelled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from central.web.assets import NODE_MODULES

if TYPE_CHECKING:
    from conftest import FakeNode, Visitor

PAGES = ("/login", "/arrivals", "/floor", "/labels", "/system", "/me", "/no-such-page")
AXE = NODE_MODULES / "axe-core" / "axe.min.js"
TITLES = {"/login": "Войти", "/arrivals": "Гости", "/floor": "Зал", "/labels": "Ценники", "/system": "Система"}


@pytest.mark.parametrize(("width", "language", "dark"), [(390, "ru", True), (390, "en", False), (1280, "ru", False), (1280, "en", True)])
@pytest.mark.parametrize("path", PAGES)
def test_fits_and_is_accessible(
    path: str, width: int, language: str, dark: bool, visitor: Visitor, node: FakeNode
) -> None:
    visit = node.arrive("extra7")
    node.settle()
    page = visitor.staff("vera", path, width=width, height=844, language=language, dark=dark)
    heading = page.locator("h1:visible")
    expect(heading).to_have_count(1)
    if language == "ru" and path in TITLES:
        expect(heading).to_have_text(TITLES[path])
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("html")).to_have_attribute("lang", language)
    small = page.evaluate("""() => [...document.querySelectorAll('button, nav a, .languages a, select')]
      .filter((it) => it.offsetParent && !it.closest('.leaflet-control'))
      .filter((it) => it.getBoundingClientRect().height < 40).map((it) => it.outerHTML.slice(0, 80))""")
    assert small == []
    node.leave(visit)
    if not AXE.is_file():
        pytest.skip("axe-core is a development dependency: npm ci --prefix central/web --ignore-scripts")
    found = axe(page.evaluate, AXE)
    assert found == []


def axe(evaluate: object, source: Path) -> list[object]:
    """Violations of WCAG 2.1 A and AA that axe-core finds, as short lines."""
    assert callable(evaluate)
    evaluate(source.read_text(encoding="utf-8"))
    return evaluate("""async () => {
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
      const result = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
      return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 90) + ' ' + (node.any[0]?.message ?? '')).join(' | ')}`);
    }""")  # type: ignore[no-any-return]
