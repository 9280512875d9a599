"""Hash chains of consent records and of profile reads: each hash covers its row and the hash before it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from contract.signing import canonical_json

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Link:
    """What a record says, in the form that is hashed."""

    number: int
    subject: str
    purposes: Mapping[str, bool]
    text_version: str
    text_sha256: str
    channel: str
    given_at: datetime
    recorded_at: datetime

    def body(self) -> dict[str, object]:
        """What is hashed."""
        return {
            "number": self.number,
            "subject": self.subject,
            "purposes": dict(self.purposes),
            "text_version": self.text_version,
            "text_sha256": self.text_sha256,
            "channel": self.channel,
            "given_at_ms": round(self.given_at.timestamp() * 1000),
            "recorded_at_ms": round(self.recorded_at.timestamp() * 1000),
        }


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody looked at a profile."""

    number: int
    store: str
    subject: str
    reader: str
    place: str
    at: datetime

    def body(self) -> dict[str, object]:
        """What is hashed."""
        return {
            "number": self.number,
            "store": self.store,
            "subject": self.subject,
            "reader": self.reader,
            "place": self.place,
            "at_ms": round(self.at.timestamp() * 1000),
        }


def link_hash(link: Link | Read, previous: str) -> str:
    """SHA-256 over the previous hash and the canonical JSON of the record, in hex."""
    return hashlib.sha256(previous.encode() + canonical_json(link.body())).hexdigest()


def first_break(links: Iterable[tuple[Link | Read, str, str]]) -> int | None:
    """Number of the first record (link, previous, hash) that does not fit; None when the chain is whole."""
    previous, expected = GENESIS, 1
    for link, claimed_previous, claimed_hash in links:
        whole = link.number == expected and claimed_previous == previous and link_hash(link, previous) == claimed_hash
        if not whole:
            return link.number
        previous, expected = claimed_hash, expected + 1
    return None
