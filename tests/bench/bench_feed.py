"""Offers a second of a YML feed into central: the same again, all new, and reading alone."""

from __future__ import annotations

import asyncio
import io
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from measure import Result

from central.app import open_runtime
from central.catalogue.feeds import service, yml
from central.catalogue.feeds.offers import Shop
from central.catalogue.feeds.taking import take
from central.imports import service as imports
from central.settings import Settings
from contract.clock import SystemClock

OFFERS = 20_000
_STORE = (
    b'{"store": {"id": "shop", "name": "Shop", "currency": "RUB", "language": "ru",'
    b' "plan": {"width_m": 1, "height_m": 1}}}'
)


def feed(offers: int, seed: int = 1) -> bytes:
    """A feed of headphones, about a kilobyte an offer."""
    rng = random.Random(seed)
    parts = ["<yml_catalog><shop><categories><category id='1'>Наушники</category></categories><offers>\n"]
    for number in range(offers):
        names = ("Чувствительность", "Импеданс", "Время работы", "Диаметр мембраны", "Длина кабеля", "Мощность")
        params = "".join(
            f"<param name='{name}' unit='{unit}'>{rng.randint(1, 300)}</param>\n"
            for name, unit in zip(names, ("дБ", "Ом", "ч", "мм", "м", "мВт"), strict=True)
        )
        parts.append(
            f"<offer id='S-{number}' available='true'><name>Наушники {number}</name><vendor>Аврора</vendor>\n"
            f"<price>{rng.randint(500, 50000)}</price><currencyId>RUR</currencyId><categoryId>1</categoryId>\n"
            f"<picture>https://shop.example/{number}.jpg</picture><param name='Вес' unit='г'>{rng.randint(100, 400)}"
            f"</param>\n{params}<outlets><outlet id='shop' instock='{rng.randint(0, 9)}'/></outlets></offer>\n"
        )
    parts.append("</offers></shop></yml_catalog>")
    return "".join(parts).encode()


async def _rates(offers: int, folder: Path) -> tuple[float, float, float]:
    data = feed(offers)
    started = time.perf_counter()
    assert sum(1 for _ in yml.rows(io.BytesIO(data), Shop("shop", "RUB", "shop"))) == offers
    parsing = offers / (time.perf_counter() - started)
    runtime = await open_runtime(Settings(data=folder), SystemClock())
    try:
        async with runtime.change() as effects:
            await imports.apply(effects, imports.parse(_STORE, "store"))
        rates = []
        for expected in (offers, 0):
            async with runtime.db.read() as session:
                agreed = await service.terms(session, "shop", "main", "yml", False)
            assert agreed is not None
            started = time.perf_counter()
            run = await take(runtime, io.BytesIO(data), agreed, "file")
            rates.append(offers / (time.perf_counter() - started))
            assert (run.state, run.written) == ("ok", expected)
    finally:
        runtime.vault.close()
        await runtime.db.close()
    return parsing, rates[0], rates[1]


def run(offers: int = OFFERS) -> Sequence[Result]:
    """One run in an empty folder: taking in anew, beside the same feed again and beside reading it only."""
    with tempfile.TemporaryDirectory() as folder:
        parsing, fresh, same = asyncio.run(_rates(offers, Path(folder)))
    again = "the first time, every offer written"
    return [Result("feed, the same again", "offers/s", same, fresh, again, same / fresh, parsing, "reading alone")]
