"""`preferences evaluate` and `preferences learn`."""

from __future__ import annotations

import argparse
import json

from central.catalogue.tables import Store
from central.errors import MisconfiguredError
from central.preferences import learning, shelf
from central.preferences.evaluation import evaluate
from central.preferences.population import generate
from central.runtime import Runtime


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: argparse.ArgumentParser) -> None:
    """Add the commands."""
    own = commands.add_parser("preferences", help="tastes").add_subparsers(dest="action", required=True)
    check = own.add_parser("evaluate", parents=[where], help="how well held-out opinions are predicted")
    check.add_argument("--store", help="opinions of this store; without it only the generated population")
    check.add_argument("--people", type=int, default=120, help="size of the generated population")
    check.add_argument("--seed", type=int, default=1)
    check.set_defaults(work=_evaluate)
    learn = own.add_parser("learn", parents=[where], help="learn anew what groups of people like")
    learn.add_argument("--store", required=True)
    learn.set_defaults(work=_learn)


async def _evaluate(runtime: Runtime, arguments: argparse.Namespace) -> str:
    made = generate(arguments.people, seed=arguments.seed)
    report = evaluate(made.items, made.opinions, made.segments, arguments.seed)
    found: dict[str, object] = {"generated": report.as_json() if report else "too few people"}
    if arguments.store is not None:
        found["stored"] = await _stored(runtime, arguments.store, arguments.seed)
    return json.dumps(found, indent=1, ensure_ascii=False)


async def _stored(runtime: Runtime, store: str, seed: int) -> dict[str, object]:
    """Category by category, because tastes are."""
    async with runtime.db.read() as session:
        await _known(runtime, store)
        people = await learning.people(session, runtime.vault, store)
        rows = await shelf.by_sku(session, store, {one.sku for said in people.values() for one in said})
        found: dict[str, object] = {}
        for category in sorted({row.category or "" for row in rows.values()}):
            around = await shelf.in_categories(session, store, [category or None])
            report = evaluate([good.item for good in around], people, seed=seed)
            found[category] = report.as_json() if report else "too few opinions yet: five people who differ are needed"
    return found


async def _learn(runtime: Runtime, arguments: argparse.Namespace) -> str:
    await _known(runtime, arguments.store)
    kept = await learning.relearn(runtime.db, runtime.vault, arguments.store, runtime.clock.now())
    return json.dumps({"store": arguments.store, "priors": kept})


async def _known(runtime: Runtime, store: str) -> None:
    async with runtime.db.read() as session:
        if await session.get(Store, store) is None:
            raise MisconfiguredError(f"--store: there is no store {store!r}; import one first")
