"""`make bench`: each figure beside a peer and beside the limit, measured in turns in one run: noise hits all alike.

Writes a list of {"name", "unit", "ours", "peer", "peer_name", "ratio", "limit", "limit_name"}; a `ratio` above 1 means
ours is better than the peer. A bench whose input is missing here says so and is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Collection, Iterator
from inspect import signature
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]


def benches(names: Collection[str]) -> Iterator[tuple[str, ModuleType]]:
    """Every `bench_*.py` beside this file, or those named; no other is loaded."""
    for path in sorted(HERE.glob("bench_*.py")):
        if names and path.stem.removeprefix("bench_") not in names:
            continue
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        yield path.stem.removeprefix("bench_"), module


def main() -> int:
    """Run all benches, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these (default: all)")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    parser.add_argument("--full", action="store_true", help="make inputs that take minutes, instead of leaving out")
    options = parser.parse_args()
    results = []
    for name, module in benches(options.names):
        more = {"full": True} if options.full and "full" in signature(module.run).parameters else {}
        for result in module.run(**more):
            if isinstance(result, str):
                print(f"{name}: left out: {result}")
                continue
            results.append(result.as_json())
            print(result.line(), flush=True)
    options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"{len(results)} results in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
