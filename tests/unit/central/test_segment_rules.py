"""Kinds of customers by rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from central.rule_files import RuleFileError
from central.segments.rules import DEFAULT_TEXT, History, Purchase, parse, segments_for

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = parse(DEFAULT_TEXT)


def _ago(*days: float) -> list[datetime]:
    return [NOW - timedelta(days=day) for day in days]


def _bought(*days: float, amount: int = 1000) -> list[Purchase]:
    return [Purchase(at, amount) for at in _ago(*days)]


@pytest.mark.parametrize(
    ("history", "found"),
    [
        (History(), []),
        (History(site_days=_ago(1)), ["new"]),
        (History(site_days=_ago(1, 2, 40)), ["active"]),
        (History(site_days=_ago(60), visits=_ago(40)), ["omnichannel"]),
        (History(visits=_ago(3), site_days=_ago(50)), ["active", "omnichannel"]),
        (History(purchases=_bought(10, 100, 300)), ["active", "core"]),
        (History(purchases=_bought(200, 300, 360)), ["core", "lapsed"]),
        (History(purchases=_bought(400)), ["lapsed"]),
        (History(visits=_ago(400)), []),
        (History(purchases=_bought(400), site_days=_ago(3)), []),
    ],
)
def test_the_rules_that_come_with_it(history: History, found: list[str]) -> None:
    assert segments_for(RULES, history, NOW) == found


def test_money_and_alternatives() -> None:
    rules = parse(
        "version: 1\nsegments:\n  - id: big\n    any:\n"
        "      - {purchases: {amount: 5000, within_days: 10}}\n      - {purchases: {times: 9}}\n"
    )
    assert segments_for(rules, History(purchases=_bought(1, 2, amount=2500)), NOW) == ["big"]
    assert segments_for(rules, History(purchases=_bought(1, 20, amount=2500)), NOW) == []
    assert segments_for(rules, History(purchases=_bought(*range(20, 29), amount=1)), NOW) == ["big"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\nsegments:\n  - {id: a, any: [{}]}\n", "segments.yaml:3: segments[0].any[0]: at least one"),
        ("version: 1\nsegments:\n  - {id: a, any: []}\n", "segments.yaml:3: segments[0].any"),
        ("version: 1\nsegments:\n  - {id: a, any: [{site: {time: 1}}]}\n", "time: unknown key"),
        (
            "version: 1\nsegments:\n  - {id: a, any: [{visits: {}}]}\n  - {id: a, any: [{visits: {}}]}\n",
            "segments.yaml:4: segments[1].id: 'a' twice",
        ),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, words: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        parse(text)
    assert words in str(caught.value)
