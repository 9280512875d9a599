"""The demo store as data: what stands in it, what it sells, and who may walk in (simulator/data/store.json)."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).resolve().parent / "data"
CONSENT_VERSION = "demo-1"
CONSENT_FILE = FOLDER / "consent-1.en.txt"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreEntry(_Entry):
    """The shop and the name of its one node."""

    id: str
    name: str
    node: str
    region: str
    currency: str
    language: Literal["en", "ru"]
    timezone: str


class LabelEntry(_Entry):
    """One electronic label: its zone, the product before it, its radio address and hardware type."""

    id: str
    zone: str
    sku: str
    address: str
    hw_type: int


class Person(_Entry):
    """Somebody who can walk in. `identity` is whose footage plays at the entrance, `figure` who walks on the floor.

    `face` is enrolled and walks the consent lane; `qr` has a phone; a `stranger` walks the lane and takes no part.
    """

    id: str
    kind: Literal["face", "qr", "stranger"]
    identity: str
    figure: int
    name: str = ""
    subject: str = ""
    language: Literal["en", "ru"] = "en"
    interests: tuple[str, ...] = ()
    bonuses_minor: int = 0
    discount_share: float = 0.0
    personal_price: bool = False
    """Whether this customer agreed to personal prices."""


class Cast(_Entry):
    """The whole file."""

    store: StoreEntry
    labels: tuple[LabelEntry, ...]
    products: tuple[dict[str, object], ...]
    people: tuple[Person, ...]
    pricing: dict[str, float]

    def of_kind(self, kind: Literal["face", "qr", "stranger"]) -> tuple[Person, ...]:
        return tuple(person for person in self.people if person.kind == kind)

    def person(self, person_id: str) -> Person:
        """KeyError when there is nobody of that id."""
        return self._by_id[person_id]

    def label_of(self, zone: str) -> LabelEntry | None:
        """The label in a zone."""
        return next((label for label in self.labels if label.zone == zone), None)

    @cached_property
    def _by_id(self) -> dict[str, Person]:
        return {person.id: person for person in self.people}


def load_cast(path: Path = FOLDER / "store.json") -> Cast:
    """Read and check the data file."""
    return Cast.model_validate_json(path.read_text(encoding="utf-8"))


def consent_sha256() -> str:
    """What a consent record says of the text that was agreed to."""
    return hashlib.sha256(CONSENT_FILE.read_bytes()).hexdigest()
