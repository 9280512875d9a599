"""One camera, from a frame to events. Read this file first.

    frame -> codes  -> check-in, product ------------------+
          -> faces  -> decisions (known, stranger ...) ----+-> visits -> events
          -> people -> positions -> store floor -----------+
                                    (tracks of all cameras as one; zones, lines, cells)

Every stage is a pure `step`; the visit book and the store floor are shared by all cameras of the node and everything
runs on one thread.
Nothing here opens, waits, sends or writes; `edge.worker` feeds it live frames, `edge.replay` recorded ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge.attachment import Place
from edge.floor.stage import FloorStage
from edge.store.floor import StoreFloor
from edge.values import Claim, Decision, Emission, Frame, Image, Instant
from edge.visits import VisitBook
from hardware.cameras.base import Picture


class Faces(Protocol):
    """`edge.vision.stage.FaceStage`, by shape: under `qr_only` that module must not even be imported."""

    def step(self, frame: Frame, claim: Claim | None = None) -> tuple[Decision, ...]: ...

    def tick(self, now: Instant) -> tuple[Decision, ...]: ...

    def close(self, now: Instant) -> tuple[Decision, ...]: ...


class Codes(Protocol):
    """Reads codes in a frame: `edge.reader.CodeReader`."""

    def step(self, image: Image, now: Instant) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class FloorStages:
    """What one calibrated floor camera runs, and the floor it shares with the others."""

    people: FloorStage
    store: StoreFloor


class CameraPipeline:
    """Joins the stages of one camera; those its role and the policy do not need are None."""

    def __init__(
        self,
        place: Place,
        visits: VisitBook,
        on_code: Callable[[str, Place, Instant], list[Emission]],
        *,
        codes: Codes | None = None,
        faces: Faces | None = None,
        floor: FloorStages | None = None,
    ) -> None:
        self._place = place
        self._visits = visits
        self._on_code = on_code
        self._codes = codes
        self._faces = faces
        self._floor = floor
        self.broken_frames = 0

    def step(self, frame: Frame, now: Instant, claim: Claim | None = None) -> list[Emission]:
        """Everything one frame gives rise to, in order. `now` is when it is looked at, later than its capture."""
        if not _is_picture(frame.picture):
            self.broken_frames += 1
            return []
        emitted: list[Emission] = []
        if self._codes is not None:
            for text in self._codes.step(frame.image, frame.captured):
                emitted += self._on_code(text, self._place, frame.captured)
        if self._faces is not None:
            emitted += self._decided(self._faces.step(frame, claim), now)
        if self._floor is not None:
            view = self._floor.people.step(frame)
            emitted += self._floor.store.look(frame.camera, view, frame.captured)
        return emitted

    def tick(self, now: Instant) -> list[Emission]:
        """What follows from time alone: a silent camera's faces are concluded."""
        return [] if self._faces is None else self._decided(self._faces.tick(now), now)

    def close(self, now: Instant) -> list[Emission]:
        """Forget faces (shutdown)."""
        return [] if self._faces is None else self._decided(self._faces.close(now), now)

    def _decided(self, decisions: tuple[Decision, ...], now: Instant) -> list[Emission]:
        return [event for decision in decisions for event in self._visits.decided(decision, self._place, now)]


def _is_picture(picture: Picture) -> bool:
    if not isinstance(picture, np.ndarray):
        return picture.grey.size > 1
    image = picture
    return image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8 and min(image.shape[:2]) >= 16
