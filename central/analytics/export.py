"""Answers as files: CSV, or Parquet through DuckDB. The same published figures as on the page, nothing else."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
from pydantic import BaseModel

from central.analytics.schemas import Dwell, Footfall, Funnel, Heatmap, Queues

What = Literal["footfall", "dwell", "funnel", "queues", "heatmap"]
Format = Literal["csv", "parquet"]
Answer = Footfall | Dwell | Funnel | Queues | Heatmap
Type = Literal["VARCHAR", "BIGINT", "DOUBLE", "TIMESTAMPTZ"]
MEDIA: Mapping[Format, str] = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}

_SAID: Mapping[str, Type] = {
    "store": "VARCHAR",
    "source": "VARCHAR",
    "count_class": "VARCHAR",
    "dwell_class": "VARCHAR",
}
_ERRORS: Mapping[str, Type] = {"count_error": "DOUBLE", "dwell_error_s": "DOUBLE", "held_back": "BIGINT"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns with their types, and rows."""

    columns: Mapping[str, Type]
    rows: Sequence[Sequence[object]]


def sheet_of(store: str, answer: Answer) -> Sheet:
    """An answer as a table; every row says whose count it is and how far it may be off."""
    columns, rows = _table(answer)
    trust = answer.accuracy
    said = (store, answer.source, trust.count, trust.dwell, trust.count_error, trust.dwell_error_s, answer.held_back)
    return Sheet({**_SAID, **_ERRORS, **columns}, [(*said[:-1], int(said[-1]), *row) for row in rows])


def _table(answer: Answer) -> tuple[Mapping[str, Type], list[list[object]]]:
    if isinstance(answer, Footfall):
        times: dict[str, Type] = dict.fromkeys(("at", "since", "until"), "TIMESTAMPTZ")
        return _fields({**times, "entered": "BIGINT", "left": "BIGINT"}, answer.buckets)
    if isinstance(answer, Dwell):
        numbers: dict[str, Type] = {"stays": "BIGINT", "p50_s": "DOUBLE", "p90_s": "DOUBLE", "total_s": "DOUBLE"}
        return _fields({"zone": "VARCHAR", **numbers}, answer.zones)
    if isinstance(answer, Funnel):
        steps: dict[str, Type] = dict.fromkeys(("passed", "stopped", "scanned", "bought", "ordered"), "BIGINT")
        return _fields({"zone": "VARCHAR", **steps}, answer.zones)
    if isinstance(answer, Queues):
        columns: dict[str, Type] = {"at": "TIMESTAMPTZ", "since": "TIMESTAMPTZ", "until": "TIMESTAMPTZ"}
        columns |= {"served": "BIGINT", "wait_mean_s": "DOUBLE", "length_mean": "DOUBLE"}
        rows = [[zone.zone, *row] for zone in answer.zones for row in _fields(columns, zone.hours)[1]]
        return {"zone": "VARCHAR", **columns}, rows
    size = answer.cell_m
    cells: list[list[object]] = [
        [round(ix * size, 3), round(iy * size, 3), size, seconds] for ix, iy, seconds in answer.cells
    ]
    places: dict[str, Type] = dict.fromkeys(("x_m", "y_m", "cell_m", "person_seconds"), "DOUBLE")
    return places, cells


def _fields(columns: Mapping[str, Type], things: Sequence[BaseModel]) -> tuple[Mapping[str, Type], list[list[object]]]:
    told = [thing.model_dump(mode="json") for thing in things]
    return columns, [[one[name] for name in columns] for one in told]


def as_csv(sheet: Sheet) -> bytes:
    """With a heading; an empty field is unknown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(sheet.columns)
    writer.writerows(sheet.rows)
    return text.getvalue().encode()


def as_parquet(sheet: Sheet) -> bytes:
    """Typed columns, zstd. Runs in a thread: DuckDB works through a folder of its own."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in sheet.columns.items())
    with tempfile.TemporaryDirectory(prefix="vitrina-export-") as folder, duckdb.connect(":memory:") as engine:
        source, target = Path(folder, "in.csv"), Path(folder, "out.parquet")
        source.write_bytes(as_csv(sheet))
        engine.execute("SET threads = 1")
        engine.execute(
            f"COPY (SELECT * FROM read_csv($1, header = true, delim = ',', quote = '\"', columns = {{{columns}}})) "
            "TO $2 (FORMAT parquet, COMPRESSION zstd)",
            [str(source), str(target)],
        )
        return target.read_bytes()
