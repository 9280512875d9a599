"""What the labels really show: looks at the glass of the virtual labels and notes every personal spell."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from contract.clock import Clock
from hardware.labels.virtual import VirtualTag
from simulator.timebase import TimeBase

_LOOK_EVERY_S = 0.1
_BAND_FROM = 0.88
"""The lower part of a personal label is a red band (contract.label_layout)."""


@dataclass(slots=True)
class Spell:
    """A label was personal from `begin` to `end` (None: still is), in script seconds."""

    label: str
    begin: float
    end: float | None = None


def is_personal(image: Image.Image) -> bool:
    """Whether a customer sees a personal price: more than half of the lower band is red."""
    pixels = np.asarray(image.convert("RGB"))
    band = pixels[int(pixels.shape[0] * _BAND_FROM) :]
    red = (band[..., 0] > 128) & (band[..., 1] < 128) & (band[..., 2] < 128)
    return bool(red.mean() > 0.5)


class GlassWatcher:
    """`run` until cancelled."""

    def __init__(self, tags: Mapping[str, VirtualTag], labels: Mapping[str, str], base: TimeBase, clock: Clock) -> None:
        self._tags = {label: tags[address.upper()] for label, address in labels.items()}
        self._base = base
        self._clock = clock
        self._counts = dict.fromkeys(self._tags, -1)
        self._personal: dict[str, Spell] = {}
        self.spells: list[Spell] = []
        self.changes = 0

    async def run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(_LOOK_EVERY_S)

    def look(self) -> None:
        """Look at every glass that was refreshed since the last time."""
        for label, tag in self._tags.items():
            if tag.update_count == self._counts[label]:
                continue
            self._counts[label] = tag.update_count
            self.changes += 1
            self._note(label, is_personal(tag.glass()))

    @property
    def personal_now(self) -> tuple[str, ...]:
        """Labels that show a personal price."""
        return tuple(self._personal)

    def _note(self, label: str, personal: bool) -> None:
        now = self._base.now(self._clock)
        if personal and label not in self._personal:
            spell = Spell(label, now)
            self._personal[label] = spell
            self.spells.append(spell)
        elif not personal and label in self._personal:
            self._personal.pop(label).end = now
