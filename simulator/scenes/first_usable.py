"""When was each walker's face first usable? Looked for in every picture, without tracker, schedule or memory.

The product looks a few times a second and follows tracks; this clock does neither, so that what it measures from is the
first usable face that was there, not the first that the product noticed. The definition is `edge.vision.usable`, where
the scene knows better it is asked: how far a head is turned, and what stands before a face.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge.geometry import inside
from edge.values import Box, Image
from edge.vision.ports import FaceEngine
from edge.vision.usable import Limits, UsableFace, usable
from simulator.scenes.entrance import EntranceScene, EntranceWalker, FaceTruth

_WORTH_PX = 0.8
"""Times the least width: a smaller true face is not looked for."""
_SHOWN = 0.8
"""Share of a face that must be seen: covered by more than a fifth it is not usable, whoever stands there."""
_ASIDE_DEG, _DOWN_DEG = 38.0, 20.0
"""Turned by more, a face is not usable, also where five points of a tiny face look as if it were."""


class FirstUsableClock:
    """Of one scene; `times` holds seconds by identity and start of the walk."""

    def __init__(self, scene: EntranceScene, models: FaceEngine, limits: Limits) -> None:
        self._scene = scene
        self._models = models
        self._limits = limits
        self.times: dict[tuple[str, float], float] = {}

    def look(self, t: float, image: Image, walkers: Sequence[EntranceWalker]) -> None:
        """One picture; the detector runs only while somebody is in it whose face was not usable before."""
        starts = {walker.identity: walker.start for walker in walkers if walker.position(t) is not None}
        faces = self._scene.truth(t, walkers)
        wanted = [face for face in faces if self._worth(face, starts[face.identity])]
        if not wanted:
            return
        found = self._models.detect(image)
        boxes = [_box(row) for row in found.boxes.tolist()]
        for box, score in zip(boxes, found.scores.tolist(), strict=True):
            face = _shown(box, faces)
            if face is None or face not in wanted or not self._inside(box, image):
                continue
            nearer = [other for other in boxes if other is not box]
            if isinstance(usable(image, box, score, nearer, self._limits, self._models), UsableFace):
                self.times.setdefault((face.identity, starts[face.identity]), t)

    def _worth(self, face: FaceTruth, start: float) -> bool:
        """Whether the face is not known to be usable yet, and the truth does not rule it out."""
        shown = face.visible >= _SHOWN and abs(face.gaze.yaw) < _ASIDE_DEG and abs(face.gaze.pitch) < _DOWN_DEG
        large = face.width >= _WORTH_PX * self._limits.min_face_px
        return shown and large and (face.identity, start) not in self.times

    def _inside(self, box: Box, image: Image) -> bool:
        height, width = image.shape[:2]
        return inside(self._scene.lane, ((box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height))


def _box(row: Sequence[float]) -> Box:
    x1, y1, x2, y2 = row
    return x1, y1, x2, y2


def _shown(box: Box, faces: Sequence[FaceTruth]) -> FaceTruth | None:
    """Whose face this is: the nearest one that can be seen."""
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    away = {
        number: math.dist(middle, ((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2)) / face.width
        for number, face in enumerate(faces)
        if face.visible > 0.5
    }
    best = min(away, key=away.__getitem__, default=None)
    return faces[best] if best is not None and away[best] < 0.5 else None
