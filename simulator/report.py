"""From truth and observations to the report of DESIGN.md section 9. Pure: no clock, no I/O.

Every expectation that does not hold is a line in `violations`; the run passed when there is none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from simulator.observations import (
    ArrivalSeen,
    EventCounts,
    ExpectedArrival,
    ExpectedStay,
    LabelSeen,
    Observations,
    StaySeen,
    Truth,
)

LATENCY_LIMIT_MS = 1500.0
"""Required of the 95th percentile, from the first usable face (or the scan) to the open page."""

Report = dict[str, object]


def percentile(values: Iterable[float], share: float) -> float | None:
    """Nearest-rank percentile; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3)


def build_report(truth: Truth, seen: Observations, story: dict[str, object] | None = None) -> Report:
    """The report with all its keys, and `passed` and `violations` beside them. `story`: of one customer, if played."""
    matches = match_arrivals(truth.arrivals, seen.arrivals)
    stays = match_stays(truth.stays, seen.stays)
    body: Report = {
        "seconds": truth.seconds,
        "seed": truth.seed,
        "shoppers": truth.shoppers,
        "arrivals": _arrivals(truth, seen, matches),
        "dwells": _dwells(truth, stays),
        "labels": _labels(truth, seen),
        "prices": _prices(seen),
        "events": _events(seen),
        "frames": asdict(seen.frames),
        "processes": {"restarts": seen.restarts, "ended": dict(seen.ended)},
        **({} if story is None else {"story": story}),
    }
    found = violations(body)
    return {**body, "passed": not found, "violations": found}


# Arrivals


def match_arrivals(
    expected: Sequence[ExpectedArrival], seen: Sequence[ArrivalSeen]
) -> list[tuple[ExpectedArrival, ArrivalSeen | None]]:
    """Each expected arrival with the first card of that person that belongs to its time; a card is used once."""
    free = sorted((card for card in seen if not card.repeated), key=lambda card: card.at)
    pairs: list[tuple[ExpectedArrival, ArrivalSeen | None]] = []
    for arrival in sorted(expected, key=lambda item: item.begin):
        card = next((c for c in free if c.person == arrival.person and arrival.begin <= c.at <= arrival.end), None)
        if card is not None:
            free.remove(card)
        pairs.append((arrival, card))
    return pairs


def _arrivals(
    truth: Truth, seen: Observations, matches: Sequence[tuple[ExpectedArrival, ArrivalSeen | None]]
) -> dict[str, object]:
    used = {id(card) for _, card in matches if card is not None}
    alerted = [(arrival, card) for arrival, card in matches if card is not None]
    false = [card for card in seen.arrivals if not card.repeated and id(card) not in used]
    from_event = [card.latency_ms for _, card in alerted]
    from_scene = [(card.at - arrival.usable_at) * 1000 for arrival, card in alerted if arrival.usable_at is not None]
    return {
        "expected": len(truth.arrivals),
        "alerted": len(alerted),
        "false": len(false),
        "latency_ms": {"p50": percentile(from_event, 0.5), "p95": percentile(from_event, 0.95)},
        "latency_from_scene_ms": {"p50": percentile(from_scene, 0.5), "p95": percentile(from_scene, 0.95)},
        "missed": [arrival.person for arrival, card in matches if card is None],
        "unexpected": [card.person for card in false],
        "each": [
            {"person": card.person, "method": card.method, "at": round(card.at, 2), "latency_ms": card.latency_ms}
            for _, card in alerted
        ],
        "by_method": dict(Counter(card.method for _, card in alerted)),
    }


# Dwells


def match_stays(
    expected: Sequence[ExpectedStay], seen: Sequence[StaySeen]
) -> list[tuple[ExpectedStay, StaySeen | None]]:
    """Each true stay with the reported one of that zone that overlaps it most; a report is used once."""
    free = list(seen)
    pairs: list[tuple[ExpectedStay, StaySeen | None]] = []
    for stay in sorted(expected, key=lambda item: item.begin):
        best = max((s for s in free if s.zone == stay.zone), key=lambda s: _overlap(stay, s), default=None)
        if best is not None and _overlap(stay, best) <= 0:
            best = None
        if best is not None:
            free.remove(best)
        pairs.append((stay, best))
    return pairs


def _overlap(stay: ExpectedStay, seen: StaySeen) -> float:
    return min(stay.end, seen.end) - max(stay.begin, seen.end - seen.dwell_s)


def _dwells(truth: Truth, pairs: Sequence[tuple[ExpectedStay, StaySeen | None]]) -> dict[str, object]:
    errors = [abs(seen.dwell_s - (stay.end - stay.begin)) for stay, seen in pairs if seen is not None]
    known = [(stay, seen) for stay, seen in pairs if stay.person is not None]
    return {
        "expected": len(truth.stays),
        "reported": sum(seen is not None for _, seen in pairs),
        "abs_error_s": {"p50": percentile(errors, 0.5), "p95": percentile(errors, 0.95)},
        "identified_expected": len(known),
        "identified": sum(seen is not None and seen.person == stay.person for stay, seen in known),
        "misattributed": sum(
            seen is not None and seen.person is not None and seen.person != stay.person for stay, seen in pairs
        ),
    }


# Labels and prices


def _labels(truth: Truth, seen: Observations) -> dict[str, object]:
    personal = [label for label in seen.labels if label.personal_at is not None]
    confirm_ms = [label.confirm_ms for label in personal if label.confirm_ms is not None]
    return {
        "expected": len(truth.personal),
        "personal_shown": len(personal),
        "confirmed": sum(label.confirmed for label in personal),
        "reverted": sum(label.reverted_at is not None for label in personal),
        "stuck": sum(_stuck(label) for label in personal),
        "confirm_ms": {"p95": percentile(confirm_ms, 0.95)},
        "wrongly_personal": len(_wrongly_personal(truth, personal)),
        # A tracker without appearance may swap two people who hide one another; a name must not go along.
        "for_somebody_else": sum(
            not any(_covers(window, label) and window.person == label.person for window in truth.alone)
            for label in personal
            if label.person is not None
        ),
    }


def _stuck(label: LabelSeen) -> bool:
    return label.reverted_at is None or (label.deadline is not None and label.reverted_at > label.deadline)


def _wrongly_personal(truth: Truth, personal: Sequence[LabelSeen]) -> list[LabelSeen]:
    """Personal on the glass when, by the truth, nobody or more than one was in the zone."""
    return [label for label in personal if not any(_covers(window, label) for window in truth.alone)]


def _covers(window: ExpectedStay, label: LabelSeen) -> bool:
    return window.zone == label.zone and window.begin <= (label.personal_at or 0.0) <= window.end


def _prices(seen: Observations) -> dict[str, object]:
    return {
        "quotes": seen.quotes,
        "redeemed": sum(charge.redeemed for charge in seen.charges),
        "charged_above_shown": sum(
            charge.charged > min(charge.public, charge.shown if charge.shown is not None else charge.public)
            for charge in seen.charges
        ),
        "charges": len(seen.charges),
    }


# Events


def _events(seen: Observations) -> dict[str, object]:
    emitted = sum(item.emitted for item in seen.events)
    received = sum(item.received for item in seen.events)
    return {
        "emitted": emitted,
        "received": received,
        "lost": sum(_lost(item) for item in seen.events),
        "duplicated": sum(item.doubled for item in seen.events) + seen.doubled_effects,
        "repeats_dropped": sum(item.repeats for item in seen.events),
        "quarantined": sum(item.quarantined for item in seen.events),
    }


def _lost(item: EventCounts) -> int:
    return max(0, item.emitted - item.received)


# Judgement


def violations(body: Report) -> list[str]:
    """What does not hold, one sentence each, from the report's own figures."""
    found: list[str] = []
    arrivals, labels = _section(body, "arrivals"), _section(body, "labels")
    prices, events = _section(body, "prices"), _section(body, "events")
    if arrivals["alerted"] != arrivals["expected"]:
        found.append(f"arrivals: {arrivals['alerted']} of {arrivals['expected']} alerted; missed {arrivals['missed']}")
    if arrivals["false"]:
        found.append(f"arrivals: {arrivals['false']} false ({arrivals['unexpected']})")
    p95 = _section(arrivals, "latency_ms")["p95"]
    if isinstance(p95, float) and p95 > LATENCY_LIMIT_MS:
        found.append(f"arrivals: alert latency p95 {p95:.0f} ms, at most {LATENCY_LIMIT_MS:.0f} ms")
    if labels["stuck"]:
        found.append(f"labels: {labels['stuck']} stayed personal")
    if labels["expected"] and not labels["personal_shown"]:
        found.append(f"labels: none showed a personal price, {labels['expected']} expected")
    if labels["confirmed"] != labels["personal_shown"]:
        found.append(f"labels: {labels['confirmed']} of {labels['personal_shown']} personal prices confirmed")
    if labels["wrongly_personal"]:
        found.append(f"labels: {labels['wrongly_personal']} personal with somebody else in the zone, or nobody")
    if labels["for_somebody_else"]:
        found.append(f"labels: {labels['for_somebody_else']} showed the price of somebody who was not there")
    misattributed = _section(body, "dwells")["misattributed"]
    if misattributed:
        found.append(f"dwells: {misattributed} stays under somebody else's name")
    if prices["charged_above_shown"]:
        found.append(f"prices: {prices['charged_above_shown']} charged above the price shown")
    if "story" in body:
        steps = _section(body, "story")["steps"]
        assert isinstance(steps, list)
        found += [f"story: {step['step']}: {step['detail'] or 'did not happen'}" for step in steps if not step["ok"]]
    found += [f"events: {events[what]} {what}" for what in ("lost", "duplicated", "quarantined") if events[what]]
    return found


def _section(body: dict[str, object], name: str) -> dict[str, object]:
    section = body[name]
    assert isinstance(section, dict)
    return section
