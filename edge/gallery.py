"""The templates of people who take part: in memory only, sealed at rest there, leased, really forgotten.

Each template is kept under AES-256-GCM with a key of this process. A clear index (faiss, fp16) exists only where the
policy needs 1:N search; under `verify` one subject is opened for the moment of a comparison. Thread-safe.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from edge.values import Candidate, Vector

if TYPE_CHECKING:
    from edge.search import SearchIndex

DIMENSION = 512
_NONCE_BYTES = 12
_NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    sealed: bytes


class Gallery:
    """`searchable=False` (modes qr_only and verify) keeps no clear copy of any template."""

    def __init__(self, *, searchable: bool = True) -> None:
        self._lock = threading.Lock()
        self._key = AESGCM(AESGCM.generate_key(256))
        self._index = _search_index() if searchable else None
        self._entries: dict[str, dict[str, _Entry]] = {}
        self._leases: dict[str, float] = {}
        self._owners: dict[int, str] = {}
        self._issued = 0
        self._version = 0

    @property
    def subjects(self) -> int:
        """How many people."""
        return len(self._entries)

    @property
    def templates(self) -> int:
        """How many templates of all of them."""
        return len(self._owners)

    @property
    def version(self) -> int:
        """Another number after every change of what is held."""
        return self._version

    def holds(self, subject: str) -> bool:
        """Whether there is a template of this subject."""
        return subject in self._entries

    def put(self, subject: str, template_id: str, vector: Vector, lease_until: float) -> None:
        """Hold a template until monotonic `lease_until`; the same id again replaces it and renews the subject's lease.

        ValueError for a vector that is not 512 finite numbers of length other than zero.
        """
        unit = _unit(vector)
        with self._lock:
            if not self._same(subject, template_id, unit):
                self._forget({subject: [template_id]})
                self._take_in(subject, template_id, unit)
            self._leases[subject] = lease_until
        unit.fill(0)

    def drop(self, subject: str) -> int:
        """Forget a subject at once; answers how many templates went."""
        with self._lock:
            return self._forget({subject: list(self._entries.get(subject, ()))})

    def search(self, vector: Vector) -> Candidate | None:
        """Nearest subject by its best template, and the best of all others; None when empty or not searchable."""
        probe = np.asarray(vector, np.float32)
        with self._lock:
            if self._index is None or not self._owners or not np.isfinite(probe).all():
                return None
            return self._search(self._index, probe)

    def verify(self, subject: str, vector: Vector) -> float | None:
        """Best cosine with the templates of one subject; None when there are none or the vector is not finite."""
        probe = np.asarray(vector, np.float32)
        with self._lock:
            entries = self._entries.get(subject)
            if not entries or not np.isfinite(probe).all():
                return None
            return max(self._compare(subject, entry, probe) for entry in entries.values())

    def resembles(self, vector: Vector, besides: str) -> float:
        """Best cosine with anybody but `besides`, -1 when there is nobody; needs no clear index.

        Every template is opened in turn (about 5 microseconds each): for enrolment, not for cameras.
        """
        probe = np.asarray(vector, np.float32)
        best = -1.0
        for subject in list(self._entries):
            if subject != besides:
                best = max(best, self.verify(subject, probe) or -1.0)
        return best

    def alike(self, least: float, most: int) -> list[tuple[str, str, float]]:
        """Pairs of subjects with the best cosine of their templates, highest first; empty where nobody is searched for.

        Each template asks for its nearest neighbours (a millisecond at 10,000); the lock is free between two of them.
        """
        best: dict[tuple[str, str], float] = {}
        for subject, template in [(one, name) for one, held in list(self._entries.items()) for name in list(held)]:
            for other, score in self._near(subject, template):
                pair = (min(subject, other), max(subject, other))
                if score >= max(least, best.get(pair, -1.0)):
                    best[pair] = score
        ranked = sorted(best.items(), key=lambda item: -item[1])[:most]
        return [(one, other, score) for (one, other), score in ranked]

    def expire(self, now: float) -> tuple[str, ...]:
        """Drop everyone whose lease ended before monotonic `now`."""
        with self._lock:
            over = tuple(subject for subject, until in self._leases.items() if until <= now)
            self._forget({subject: list(self._entries[subject]) for subject in over})
        return over

    def wipe(self) -> None:
        """Forget everybody, and the key that could open what memory still holds of them."""
        with self._lock:
            if self._index is not None:
                self._index.clear()
            self._entries.clear()
            self._leases.clear()
            self._owners.clear()
            self._version += 1
            self._key = AESGCM(AESGCM.generate_key(256))

    def _search(self, index: SearchIndex, probe: Vector) -> Candidate:
        """One subject may hold several of the nearest templates, so look further until another one shows up."""
        wanted = min(_NEIGHBOURS, len(self._owners))
        while True:
            found = [(self._owners[number], score) for number, score in index.nearest(probe, wanted)]
            subject, similarity = found[0]
            other = next((score for owner, score in found if owner != subject), None)
            if other is not None or wanted >= len(self._owners):
                return Candidate(subject, similarity, -1.0 if other is None else other)
            wanted = min(wanted * 4, len(self._owners))

    def _near(self, subject: str, template_id: str) -> list[tuple[str, float]]:
        """Other subjects nearest to one template, as long as it is held."""
        with self._lock:
            entry = self._entries.get(subject, {}).get(template_id)
            if entry is None or self._index is None:
                return []
            probe = np.frombuffer(self._open(subject, entry), np.float16).astype(np.float32)
            wanted = min(len(self._entries[subject]) + _NEIGHBOURS, len(self._owners))
            found = [(self._owners[number], score) for number, score in self._index.nearest(probe, wanted)]
            probe.fill(0)
        return [(other, score) for other, score in found if other != subject]

    def _compare(self, subject: str, entry: _Entry, probe: Vector) -> float:
        clear: NDArray[np.float16] = np.frombuffer(self._open(subject, entry), np.float16)
        return float(clear.astype(np.float32) @ probe)

    def _take_in(self, subject: str, template_id: str, unit: Vector) -> None:
        self._issued += 1
        self._version += 1
        entry = _Entry(self._issued, self._seal(subject, unit))
        self._entries.setdefault(subject, {})[template_id] = entry
        self._owners[entry.number] = subject
        if self._index is not None:
            self._index.add(entry.number, unit)

    def _same(self, subject: str, template_id: str, unit: Vector) -> bool:
        """Whether this very template is held: central sends it again to renew a lease, and a removal costs a pass."""
        held = self._entries.get(subject, {}).get(template_id)
        return held is not None and self._open(subject, held) == unit.astype(np.float16).tobytes()

    def _open(self, subject: str, entry: _Entry) -> bytes:
        return self._key.decrypt(entry.sealed[:_NONCE_BYTES], entry.sealed[_NONCE_BYTES:], subject.encode())

    def _seal(self, subject: str, unit: Vector) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, unit.astype(np.float16).tobytes(), subject.encode())

    def _forget(self, templates: Mapping[str, Sequence[str]]) -> int:
        """Remove templates by subject and id in one pass over the index; answers how many there were."""
        gone: list[int] = []
        for subject, ids in templates.items():
            held = self._entries.get(subject, {})
            gone += [entry.number for entry in (held.pop(template, None) for template in ids) if entry is not None]
            if subject in self._entries and not held:
                del self._entries[subject]
                self._leases.pop(subject, None)
        self._version += bool(gone)
        for number in gone:
            del self._owners[number]
        if gone and self._index is not None:
            self._index.remove(gone)
        return len(gone)


def _search_index() -> SearchIndex:
    """faiss is a face package: where nobody is searched for it need not be installed (PRIVACY P9)."""
    from edge.search import SearchIndex

    return SearchIndex(DIMENSION)


def _unit(vector: Vector) -> Vector:
    values = np.array(vector, np.float32).reshape(-1)
    length = float(np.linalg.norm(values))
    if values.shape != (DIMENSION,) or not math.isfinite(length) or length == 0.0:
        raise ValueError(f"a template is {DIMENSION} finite numbers, not all zero; this one has shape {values.shape}")
    values /= np.float32(length)
    return values
