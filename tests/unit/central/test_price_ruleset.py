"""Rule files: what they give, and what is said about mistakes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.pricing.ruleset import Campaign, Facts, Give, Rule, Ruleset, Use, When, granted, holds, parse
from central.rule_files import RuleFileError

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday

GOOD = """
version: 1
rules:
  - id: winback
    when: {segments: [lapsed], from: 2026-11-01, until: 2026-11-30}
    give: {share: 0.07}
    campaign: november
  - id: basket
    when: {interest: [abandoned_basket]}
    give: {share: 0.05}
    group: basket
  - id: rainy
    when: {conditions: {weather: [rain, snow]}, days: [fri], hours: 11:00-13:00, categories: [headphones]}
    give: {amount: 300}
campaigns:
  - {id: november, budget: 5000, uses_per_customer: 1}
"""


def _facts(**more: object) -> Facts:
    return Facts(**{"public": 10_000, "at": NOON, "sku": "HP-1", "category": "headphones", **more})  # type: ignore[arg-type]


def test_the_best_rule_of_each_group_counts_and_groups_add_up() -> None:
    rules = parse(GOOD)
    facts = _facts(
        segments=frozenset({"lapsed"}), interest=frozenset({"abandoned_basket"}), conditions={"weather": "rain"}
    )
    assert [(item.rule, item.off) for item in granted(rules, facts, {})] == [("winback", 700), ("basket", 500)]
    later = _facts(conditions={"weather": "rain"})
    assert [(item.rule, item.off) for item in granted(rules, later, {})] == [("rainy", 300)]
    assert granted(rules, _facts(), {}) == ()


def test_a_campaign_gives_what_is_left_of_its_budget_and_once_a_customer() -> None:
    rules, facts = parse(GOOD), _facts(segments=frozenset({"lapsed"}))
    assert granted(rules, facts, {"november": Use(spent=4_600)})[0].off == 400
    assert granted(rules, facts, {"november": Use(spent=5_000)}) == ()
    assert granted(rules, facts, {"november": Use(by_customer=1)}) == ()


def test_a_rule_that_is_used_up_leaves_its_group_to_the_next() -> None:
    rules = Ruleset(
        version=1,
        rules=(
            Rule(id="big", give=Give(amount=900), campaign="c"),
            Rule(id="small", give=Give(amount=100)),
        ),
        campaigns=(Campaign(id="c", uses=3),),
    )
    assert granted(rules, _facts(), {"c": Use(uses=2)})[0].rule == "big"
    assert granted(rules, _facts(), {"c": Use(uses=3)})[0].rule == "small"


@pytest.mark.parametrize(
    ("when", "holding"),
    [
        ({"hours": "22:00-12:30"}, True),
        ({"hours": "22:00-12:00"}, False),
        ({"hours": "12:00-12:01"}, True),
        ({"days": ["sat", "sun"]}, False),
        ({"from": "2026-11-21"}, False),
        ({"until": "2026-11-20"}, True),
        ({"not_segments": ["core"]}, False),
        ({"segments": ["core", "new"]}, True),
        ({"brands": ["Other"]}, False),
        ({"conditions": {"weather": ["rain"]}}, False),
    ],
)
def test_conditions(when: dict[str, object], holding: bool) -> None:
    assert holds(When.model_validate(when), _facts(segments=frozenset({"core"}), brand="Acme")) is holding


amounts = st.integers(1, 5_000)
rules_of_one_campaign = st.lists(
    st.builds(
        Rule,
        id=st.integers(0, 10**6).map(lambda n: f"r{n}"),
        give=amounts.map(lambda n: Give(amount=n)),
        group=st.sampled_from(["a", "b", "c"]),
        campaign=st.sampled_from([None, "c"]),
    ),
    max_size=8,
)


@given(rules_of_one_campaign, st.integers(1, 9_000), st.integers(0, 9_000), st.integers(0, 20_000))
def test_a_budget_is_never_overdrawn(rules: list[Rule], budget: int, spent: int, public: int) -> None:
    ruleset = Ruleset(version=1, rules=tuple(rules), campaigns=(Campaign(id="c", budget=budget),))
    given_ = granted(ruleset, _facts(public=public), {"c": Use(spent=spent)})
    drawn = sum(item.off for item in given_ if item.campaign == "c")
    assert drawn <= max(0, budget - spent)
    assert all(0 < item.off <= public for item in given_)
    groups = {rule.id: rule.group for rule in rules}
    assert len({groups[item.rule] for item in given_}) == len(given_) or len(groups) < len(rules)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("version: 1\nrulez: []\n", 2, "rulez: unknown key"),
        ("version: 1\nrules:\n  - id: a\n    give: {share: 1.5}\n", 4, "rules[0].give.share"),
        ("version: 1\nrules:\n  - id: a\n    give: {share: 0.1, amount: 5}\n", 4, "either share or amount"),
        ("version: 1\nrules:\n  - id: a\n    give: {amount: 5}\n    campaign: x\n", 5, "no campaign 'x'"),
        ("version: 1\nrules:\n  - {id: a, give: {amount: 5}}\n  - {id: a, give: {amount: 5}}\n", 4, "'a' twice"),
        ("version: 1\nrules: []\nrules: []\n", 3, "stands here twice"),
        ("version: 1\nrules: [\n", 3, "not YAML"),
        ("- 1\n", 1, "expected keys"),
        ("version: 2\n", 1, "version"),
        (
            "version: 1\nrules:\n  - id: a\n    give: {amount: 5}\n    when:\n      hours: 25:00-26:00\n",
            6,
            "rules[0].when.hours",
        ),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, line: int, words: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        parse(text, "prices.yaml")
    assert str(caught.value).startswith(f"prices.yaml:{line}: ")
    assert words in str(caught.value)
