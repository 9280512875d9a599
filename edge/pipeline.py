"""One camera, from a frame to events. Read this file first.

    frame -> codes  -> check-in, product ------------------+
          -> faces  -> decisions (known, stranger ...) ----+-> visits -> events
          -> people -> positions -> zones, lines, cells ---+

Every stage is a pure `step`; the visit book is shared by all cameras of the node and everything runs on one thread.
Nothing here opens, waits, sends or writes; `edge.worker` feeds it live frames, `edge.replay` recorded ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from contract.events import LineCrossed
from edge.attachment import Place
from edge.floor.lines import LineStage
from edge.floor.occupancy import OccupancyStage
from edge.floor.stage import FloorStage
from edge.floor.zones import ZoneStage
from edge.values import Claim, Decision, Emission, Frame, Image, Instant
from edge.visits import VisitBook


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
    """What one calibrated floor camera runs."""

    people: FloorStage
    zones: ZoneStage
    lines: LineStage
    cells: OccupancyStage


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
        if not _is_picture(frame.image):
            self.broken_frames += 1
            return []
        emitted: list[Emission] = []
        if self._codes is not None:
            for text in self._codes.step(frame.image, frame.captured):
                emitted += self._on_code(text, self._place, frame.captured)
        if self._faces is not None:
            emitted += self._decided(self._faces.step(frame, claim), now)
        if self._floor is not None:
            emitted += self._walk(self._floor, frame)
        return emitted

    def tick(self, now: Instant) -> list[Emission]:
        """What follows from time alone: a silent camera's faces are concluded, stays and minutes end."""
        emitted: list[Emission] = []
        if self._faces is not None:
            emitted += self._decided(self._faces.tick(now), now)
        if self._floor is not None:
            emitted += self._floor.zones.step((), self._visits.visit_of, now)
            emitted += self._floor.cells.tick(now)
        return emitted

    def close(self, now: Instant) -> list[Emission]:
        """End stays and forget faces (shutdown)."""
        emitted: list[Emission] = []
        if self._faces is not None:
            emitted += self._decided(self._faces.close(now), now)
        if self._floor is not None:
            emitted += self._floor.zones.close(now)
            emitted += self._floor.cells.close()
        return emitted

    def _decided(self, decisions: tuple[Decision, ...], now: Instant) -> list[Emission]:
        return [event for decision in decisions for event in self._visits.decided(decision, self._place, now)]

    def _walk(self, floor: FloorStages, frame: Frame) -> list[Emission]:
        now = frame.captured
        view = floor.people.step(frame)
        self._visits.floor(view.positions, view.ended, now)
        crossings = floor.lines.step(view.positions, self._visits.visit_of, now)
        floor.lines.forget(view.ended)
        emitted: list[Emission] = [
            *floor.zones.step(view.positions, self._visits.visit_of, now),
            *crossings,
            *floor.cells.step(view.positions, now),
        ]
        for crossing in crossings:
            emitted += self._left(crossing, now)
        return emitted

    def _left(self, crossing: LineCrossed, now: Instant) -> list[Emission]:
        return self._visits.left(crossing.track, now) if crossing.direction == "out" else []


def _is_picture(image: Image) -> bool:
    return image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8 and min(image.shape[:2]) >= 16
