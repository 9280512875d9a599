"""At the kiosk: three pictures of everybody who enrols, as its guide asks for them (edge.kiosk.guide).

Who has three photographs that the kiosk takes shows those. Of the others the first one taken is drawn as a head that
looks straight, to the left and to the right: one moment's face in three poses, which is what a kiosk gets to see. No
picture that walks in is among them, and none shows more of a person than the photographs do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from edge.vision.enrolment import Enrolled, Sight, StillEngine, embed, examine
from simulator.scenes.catalogue import Outline
from simulator.scenes.heads import cut_loop
from simulator.scenes.turning import Gaze, turned

Image = npt.NDArray[np.uint8]

PICTURES = 3
_ASIDE_DEG = 15.0
_NOD_DEG = 9.0
"""A kiosk stands lower than a face."""
_POSES = ((Gaze(_ASIDE_DEG, _NOD_DEG), 0.9), (Gaze(-_ASIDE_DEG, _NOD_DEG), 1.1), (Gaze(), 1.0))
"""Where the head looks, and how much light falls on it; the last one only where one of the others is refused."""
_WALL = (116, 118, 120)


def posed(photographs: Sequence[Image], models: StillEngine) -> list[Enrolled]:
    """Up to three pictures that the kiosk takes; none when it takes none of the photographs."""
    taken = [(photo, sight) for photo in photographs if isinstance(sight := examine(photo, models), Sight)][:PICTURES]
    own = [embed(photo, sight, models) for photo, sight in taken]
    if not own:
        return []
    drawn = (embed(picture, sight, models) for picture, sight in _drawn(*taken[0], models))
    return [*own, *(one for one, _ in zip(drawn, range(PICTURES - len(own)), strict=False))]


def _drawn(photo: Image, sight: Sight, models: StillEngine) -> Iterator[tuple[Image, Sight]]:
    """The poses of this photograph's head that the kiosk takes."""
    x1, y1, x2, y2 = (round(side) for side in sight.box)
    head = cut_loop([photo], [(x1, y1, x2, y2)], fps=1.0, outline=Outline()).frames[0]
    for gaze, light in _POSES:
        picture = before_a_wall(turned(head, gaze), light)
        seen = examine(picture, models)
        if isinstance(seen, Sight):
            yield picture, seen


def before_a_wall(head: Image, light: float = 1.0) -> Image:
    """A head sprite (BGRA, colour premultiplied) as a picture."""
    behind = 1 - head[:, :, 3:].astype(np.float32) / 255
    return np.asarray(np.clip(light * head[:, :, :3] + np.array(_WALL) * behind, 0, 255).round(), np.uint8)
