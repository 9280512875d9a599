"""What survives a restart: each label's public content, and whether its glass may show anything else."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from contract.commands import LabelContent
from edge.memory import Memory


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """`unsure`: the glass was not confirmed to show the public content (it may be personal)."""

    public: LabelContent | None
    unsure: bool
    quote: str | None
    glass: str
    """The label system's hash of the confirmed public picture; empty when never confirmed."""


class LabelRecords:
    """The label table of the node's memory. sqlite3.Error when it cannot be written."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def load(self) -> dict[str, LabelRecord]:
        """Every label known from before."""
        rows = self._memory.rows("SELECT id, public, unsure, quote, glass FROM label")
        return {
            str(label): LabelRecord(_content(public), bool(unsure), None if quote is None else str(quote), str(glass))
            for label, public, unsure, quote, glass in rows
        }

    def public(self, label: str, content: LabelContent) -> None:
        """Before a new public content is pushed."""
        with self._memory.transaction() as db:
            db.execute(
                "INSERT INTO label(id, public) VALUES (?, ?) "
                "ON CONFLICT(id) DO UPDATE SET public = excluded.public, unsure = 1",
                (label, content.model_dump_json()),
            )

    def personal(self, label: str, quote: str | None) -> None:
        """Before a personal content is pushed: from now on the glass may show it, whatever happens to us."""
        with self._memory.transaction() as db:
            db.execute(
                "INSERT INTO label(id, quote) VALUES (?, ?) "
                "ON CONFLICT(id) DO UPDATE SET unsure = 1, quote = excluded.quote",
                (label, quote),
            )

    def confirmed(self, label: str, glass: str) -> None:
        """The glass shows the public content."""
        with self._memory.transaction() as db:
            db.execute("UPDATE label SET unsure = 0, quote = NULL, glass = ? WHERE id = ?", (glass, label))


def _content(text: object) -> LabelContent | None:
    if text is None:
        return None
    try:
        return LabelContent.model_validate_json(str(text))
    except ValidationError:
        return None
