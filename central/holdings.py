"""What each table holds about a person: read by export, erasure and retention, so that no table can be forgotten.

A table says it in `__table_args__`: `{"info": holds("subject", "delete")}` or `{"info": NOBODY}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

By = Literal["subject", "customer", "visit", "owner", "template", "alert", "mention"]
Erasure = Literal["delete", "detach", "keep"]


@dataclass(frozen=True, slots=True)
class Holding:
    """`by`: how the rows of one person are found (a column of that name unless `column` says another).

    `also` is a second column, with the subject, for rows that the first one does not find. `mention`: the column is a
    text in which the subject stands somewhere. `template`, `alert`: rows that belong to one of the person's.

    On erasure rows are deleted, detached (the columns named in `blank` become null, the sum stays), or kept because the
    law asks for it (`why`): then everything readable in them must be sealed under the person's key.
    """

    by: By
    erasure: Erasure
    column: str
    blank: tuple[str, ...] = ()
    why: str = ""
    export: bool = True
    also: str = ""


def holds(
    by: By,
    erasure: Erasure,
    *,
    column: str | None = None,
    blank: tuple[str, ...] = (),
    why: str = "",
    export: bool = True,
    also: str = "",
) -> dict[str, object]:
    """The `info` of a table with rows about persons."""
    return {"holding": Holding(by, erasure, column or by, blank, why, export, also)}


NOBODY: Mapping[str, object] = MappingProxyType({"holding": None})
"""The `info` of a table without anything about a person."""
