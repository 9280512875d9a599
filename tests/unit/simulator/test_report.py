"""The report must notice every way in which a run can be wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.observations import (
    ArrivalSeen,
    ChargeSeen,
    EventCounts,
    ExpectedArrival,
    ExpectedStay,
    FrameCounts,
    LabelSeen,
    Observations,
    StaySeen,
    Truth,
)
from simulator.report import build_report, percentile

TRUTH = Truth(
    seconds=60.0,
    seed=1,
    shoppers=3,
    arrivals=(ExpectedArrival("anna", 1.0, 8.0, 2.0), ExpectedArrival("boris", 10.0, 16.0, 10.0)),
    stays=(ExpectedStay("shelf", 5.0, 20.0, "anna"), ExpectedStay("other", 8.0, 14.0)),
    personal=(ExpectedStay("shelf", 5.0, 20.0, "anna"),),
    alone=(ExpectedStay("shelf", 5.0, 25.0, "anna"),),
)
GOOD = Observations(
    arrivals=(ArrivalSeen("anna", "v1", "face", 2.6, 550.0), ArrivalSeen("boris", "v2", "qr", 10.2, 150.0)),
    stays=(StaySeen("shelf", 20.3, 15.2, "anna"), StaySeen("other", 14.1, 5.8)),
    labels=(LabelSeen("l1", "shelf", 11.0, 23.0, confirmed=True, confirm_ms=2500.0, deadline=80.0),),
    charges=(ChargeSeen("sku", charged=900, public=1000, shown=900, redeemed=True),),
    quotes=1,
    events=(EventCounts("s1", emitted=40, received=40, repeats=2),),
    frames=FrameCounts(1000, 900, 100),
)


def failed(seen: Observations, truth: Truth = TRUTH) -> str:
    body = build_report(truth, seen)
    assert body["passed"] is False
    found = body["violations"]
    assert isinstance(found, list)
    assert found
    return " ".join(found)


def test_a_good_run_passes_with_all_the_keys() -> None:
    body = build_report(TRUTH, GOOD)
    assert body["violations"] == []
    assert body["passed"] is True
    assert {"seconds", "shoppers", "arrivals", "dwells", "labels", "prices", "events", "frames"} <= body.keys()
    assert _keys(body, "arrivals") >= {"expected", "alerted", "false", "latency_ms"}
    assert _keys(body, "dwells") >= {"expected", "reported", "abs_error_s"}
    assert _keys(body, "labels") >= {"personal_shown", "confirmed", "reverted", "stuck", "confirm_ms"}
    assert _keys(body, "prices") >= {"quotes", "redeemed", "charged_above_shown"}
    assert _keys(body, "events") >= {"emitted", "received", "lost", "duplicated"}
    assert _keys(body, "frames") == {"captured", "processed", "dropped"}
    arrivals, dwells = body["arrivals"], body["dwells"]
    assert isinstance(arrivals, dict)
    assert isinstance(dwells, dict)
    assert arrivals["latency_ms"] == {"p50": 150.0, "p95": 550.0}
    assert dwells["reported"] == 2
    assert dwells["identified"] == 1


def test_a_missed_arrival() -> None:
    assert "boris" in failed(replace(GOOD, arrivals=GOOD.arrivals[:1]))


def test_a_card_outside_its_time_is_both_missed_and_false() -> None:
    late = replace(GOOD.arrivals[1], at=30.0)
    text = failed(replace(GOOD, arrivals=(GOOD.arrivals[0], late)))
    assert "missed" in text
    assert "1 false" in text


@pytest.mark.parametrize("person", ["a stranger", "anna"])
def test_a_false_arrival_and_a_second_card_for_one_visit(person: str) -> None:
    assert "false" in failed(replace(GOOD, arrivals=(*GOOD.arrivals, ArrivalSeen(person, "v3", "face", 5.0, 300.0))))


def test_a_line_repeated_after_a_broken_stream_is_no_card() -> None:
    again = replace(GOOD.arrivals[0], repeated=True)
    assert build_report(TRUTH, replace(GOOD, arrivals=(*GOOD.arrivals, again)))["passed"] is True


def test_a_slow_alert() -> None:
    slow = replace(GOOD.arrivals[0], latency_ms=1501.0)
    assert "latency" in failed(replace(GOOD, arrivals=(slow, GOOD.arrivals[1])))


def test_a_label_that_stays_personal() -> None:
    assert "stayed personal" in failed(replace(GOOD, labels=(replace(GOOD.labels[0], reverted_at=None),)))


def test_a_label_that_goes_back_too_late() -> None:
    assert "stayed personal" in failed(replace(GOOD, labels=(replace(GOOD.labels[0], reverted_at=81.0),)))


def test_a_personal_price_nobody_confirmed() -> None:
    assert "confirmed" in failed(replace(GOOD, labels=(replace(GOOD.labels[0], confirmed=False),)))


def test_a_personal_price_with_company_at_the_shelf() -> None:
    assert "somebody else" in failed(replace(GOOD, labels=(replace(GOOD.labels[0], personal_at=26.0),)))


def test_no_personal_price_at_all() -> None:
    assert "none showed" in failed(replace(GOOD, labels=()))


def test_a_charge_above_what_was_shown() -> None:
    assert "above" in failed(replace(GOOD, charges=(ChargeSeen("sku", 950, 1000, 900, True),)))
    assert "above" in failed(replace(GOOD, charges=(ChargeSeen("sku", 1001, 1000, None, False),)))


def test_a_lost_event() -> None:
    assert "1 lost" in failed(replace(GOOD, events=(EventCounts("s1", 40, 39),)))


def test_a_loss_in_one_session_is_not_made_up_by_another() -> None:
    text = failed(replace(GOOD, events=(EventCounts("s1", 40, 39), EventCounts("s2", 10, 10, doubled=1))))
    assert "1 lost" in text
    assert "1 duplicated" in text


def test_an_effect_that_happened_twice() -> None:
    assert "2 duplicated" in failed(replace(GOOD, doubled_effects=2))


def test_a_quarantined_event() -> None:
    assert "quarantined" in failed(replace(GOOD, events=(EventCounts("s1", 40, 40, quarantined=1),)))


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3.0], 0.95) == 3.0
    assert percentile(range(1, 101), 0.95) == 95.0
    assert percentile([5.0, 1.0], 0.5) == 1.0


def _keys(body: dict[str, object], name: str) -> set[str]:
    section = body[name]
    assert isinstance(section, dict)
    return set(section)


def test_a_name_on_somebody_elses_stay_fails_the_run() -> None:
    stays = (GOOD.stays[0], replace(GOOD.stays[1], person="anna"))
    assert "somebody else's name" in failed(replace(GOOD, stays=stays))


def test_a_price_for_somebody_who_is_not_there_fails_the_run() -> None:
    assert "not there" in failed(replace(GOOD, labels=(replace(GOOD.labels[0], person="boris"),)))
