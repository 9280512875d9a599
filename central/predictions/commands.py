"""`predictions evaluate` and `predictions learn`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from central.catalogue.tables import Store
from central.errors import MisconfiguredError
from central.predictions import history, service
from central.predictions.evaluation import evaluate
from central.predictions.population import generate
from central.runtime import Runtime

_TOO_FEW: Final = "too few: 20 people with purchases before and after are needed"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser], where: argparse.ArgumentParser) -> None:
    """Add the commands."""
    own = commands.add_parser("predictions", help="next purchases").add_subparsers(dest="action", required=True)
    check = own.add_parser("evaluate", parents=[where], help="how well later purchases are foretold")
    check.add_argument("--store", help="sales of this store; without it only the generated clientele")
    check.add_argument("--purchases", type=Path, metavar="CSV", help="an order history: customer,at,sku[,category]")
    check.add_argument("--people", type=int, default=400, help="size of the generated clientele")
    check.add_argument("--seed", type=int, default=1)
    check.set_defaults(work=_evaluate)
    learn = own.add_parser("learn", parents=[where], help="learn anew from a store's sales")
    learn.add_argument("--store", required=True)
    learn.set_defaults(work=_learn)


async def _evaluate(runtime: Runtime, arguments: argparse.Namespace) -> str:
    made = generate(arguments.people, seed=arguments.seed)
    report = evaluate(made.purchases, made.categories)
    found: dict[str, object] = {"generated": report.as_json() if report else "too few people"}
    if arguments.purchases is not None:
        said = history.read(arguments.purchases)
        report = evaluate(said.purchases, said.categories)
        found["purchases"] = report.as_json() if report else _TOO_FEW
    if arguments.store is not None:
        await _known(runtime, arguments.store)
        async with runtime.db.read() as session:
            sold = await service.purchases(session, arguments.store, runtime.clock.now())
            kinds = await service.categories(session, arguments.store)
        report = evaluate(sold, kinds)
        found["stored"] = report.as_json() if report else _TOO_FEW
    return json.dumps(found, indent=1)


async def _learn(runtime: Runtime, arguments: argparse.Namespace) -> str:
    await _known(runtime, arguments.store)
    model = await service.relearn(runtime.db, arguments.store, runtime.clock.now())
    return json.dumps({"store": arguments.store, "rhythms": len(model.rhythms), "sequences": len(model.follows)})


async def _known(runtime: Runtime, store: str) -> None:
    async with runtime.db.read() as session:
        if await session.get(Store, store) is None:
            raise MisconfiguredError(f"--store: there is no store {store!r}; import one first")
