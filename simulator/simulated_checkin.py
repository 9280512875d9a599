"""Customers with phones, certified by a key of the simulation's own: their codes, and who the visits they start are."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.checkin import Certificate
from contract.events import VisitIdentified
from contract.values import Report
from simulator.phone import Phone

_VALID_UNTIL = 2**31


class Customers:
    """`names` get a phone each; subjects are numbered, keys are fresh."""

    def __init__(self, names: Sequence[str]) -> None:
        self._central = Ed25519PrivateKey.generate()
        self._phones = {name: Phone() for name in names}
        self._subjects = {name: (1000 + number).to_bytes(16, "big") for number, name in enumerate(names)}
        for name, phone in self._phones.items():
            paper = Certificate(self._subjects[name], base64.b64decode(phone.public_key), _VALID_UNTIL)
            paper = replace(paper, signature=self._central.sign(paper.signed_part()))
            phone.accept(base64.b64encode(paper.encode()).decode())

    @property
    def signing_key(self) -> str:
        """Public, base64: for the node's `trust`."""
        return base64.b64encode(self._central.public_key().public_bytes_raw()).decode()

    def code(self, name: str, now: datetime) -> str:
        """What the phone shows."""
        return self._phones[name].code(now)

    def visits(self, events: Iterable[Report]) -> dict[str, str]:
        """Visit to name, by the events."""
        names = {subject.hex(): name for name, subject in self._subjects.items()}
        return {e.visit: names[e.subject] for e in events if isinstance(e, VisitIdentified) and e.subject in names}
