"""An export to take along: the JSON for programs and one page for people, zipped. Pure."""

from __future__ import annotations

import html
import io
import json
import zipfile
from collections.abc import Iterator, Mapping

_STYLE = "body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}" + (
    "table{border-collapse:collapse;width:100%;margin-bottom:2rem}"
    "td,th{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top;word-break:break-word}"
)
_FIXED = (1980, 1, 1, 0, 0, 0)
"""The time within the archive; when the export was made stands in it."""


def pack(whole: Mapping[str, object]) -> bytes:
    """export.json and export.html in a ZIP file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True)
        archive.writestr(zipfile.ZipInfo("export.json", _FIXED), text)
        archive.writestr(zipfile.ZipInfo("export.html", _FIXED), page(whole))
    return buffer.getvalue()


def page(whole: Mapping[str, object]) -> str:
    """One page with a table for each kind of row; everything in it is escaped."""
    tables = whole.get("tables")
    assert isinstance(tables, Mapping)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>What is kept about you</title><style>{_STYLE}</style></head><body><h1>What is kept about you</h1>",
        f"<p>{html.escape(str(whole.get('made_at')))}</p>",
    ]
    for name, rows in tables.items():
        parts += [f"<h2>{html.escape(str(name).replace('_', ' '))}</h2>", *_table(rows)]
    return "".join([*parts, "</body></html>"])


def _table(rows: list[Mapping[str, object]]) -> Iterator[str]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    yield "<table><tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in columns) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{_cell(row.get(name))}</td>" for name in columns) + "</tr>"
    yield "</table>"


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return html.escape(text)
