"""100,000 site events a minute: the real process, over HTTP, told in events a second of its own CPU time."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "bench"
WANTED_PER_S = 100_000 / 60


def _bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    spec = importlib.util.spec_from_file_location("bench_behaviour", BENCH / "bench_behaviour.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bench_behaviour", module)
    spec.loader.exec_module(module)
    return module


def test_a_minute_of_site_events_costs_less_than_a_minute_of_one_core(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = _bench(monkeypatch)
    central = bench.Central(tmp_path, database_url)
    try:
        chance = random.Random(5)
        assert central.send(bench.bodies(chance, 500, 250))[1] == 500  # the first ones meet cold caches
        ready = bench.bodies(chance, 4000, 250)
        before = central.cpu_s()
        assert central.send(ready)[1] == 4000
        spent = central.cpu_s() - before
        assert central.send(ready)[1] == 0  # sent again, nothing is new
    finally:
        central.stop()
    print(f"{4000 / spent:.0f} events per CPU second")
    assert 4000 / spent > WANTED_PER_S
