"""The summary of a person's events as a set that grows: the same events in any order, or twice, give the same set.

Sections map keys to registers (at in ms, tie, value). The later register wins, `tie` (from the event's id) deciding
between equal times, and each section keeps its newest registers only. Both are commutative, associative and
idempotent, so summaries of several visitors linked to one customer merge the same way, and unlinking is not merging.
(State-based last-writer-wins maps: Shapiro et al., INRIA RR-7506, 2011.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import nlargest
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

Section = Literal[
    "looks", "filters", "searches", "compared", "favourites", "cart", "orders", "bought", "promotions", "barriers"
]
SECTIONS: tuple[Section, ...] = get_args(Section)
KEPT: Mapping[Section, int] = MappingProxyType(
    {
        "looks": 300,
        "filters": 20,
        "searches": 20,
        "compared": 10,
        "favourites": 100,
        "cart": 100,
        "orders": 1,
        "bought": 100,
        "promotions": 20,
        "barriers": 20,
    }
)
"""Registers kept of each section: the newest."""

Register = tuple[int, str, object]
"""(at in ms, tie, value); a list after JSON."""
State = dict[str, dict[str, Register]]


class Fact(NamedTuple):
    """What one event says: a register to set."""

    section: Section
    key: str
    value: object


def apply(state: State, at_ms: int, tie: str, facts: Iterable[Fact]) -> None:
    """Enter what an event says. `trim` before the state is kept or read."""
    for fact in facts:
        registers = state.setdefault(fact.section, {})
        present = registers.get(fact.key)
        if present is None or (at_ms, tie) >= (present[0], present[1]):
            registers[fact.key] = (at_ms, tie, fact.value)


def merge(state: State, other: State) -> None:
    """Enter all of another state."""
    for section, registers in other.items():
        mine = state.setdefault(section, {})
        for key, register in registers.items():
            present = mine.get(key)
            if present is None or (register[0], register[1]) > (present[0], present[1]):
                mine[key] = register


def trim(state: State) -> State:
    """Drop the oldest registers beyond what is kept."""
    for section in SECTIONS:
        registers = state.get(section)
        if registers is not None and len(registers) > KEPT[section]:
            newest = nlargest(KEPT[section], registers.items(), key=_age)
            state[section] = dict(newest)
    return state


def _age(item: tuple[str, Register]) -> tuple[int, str, str]:
    key, register = item
    return register[0], register[1], key


def load(value: object) -> State:
    """A state that was sealed; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def canonical(state: State) -> dict[str, list[list[object]]]:
    """For comparing: no order of keys, no tuples."""
    return {
        section: sorted([key, *register] for key, register in registers.items())
        for section, registers in sorted(state.items())
        if registers
    }
