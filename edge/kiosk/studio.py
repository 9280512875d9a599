"""The face models of the kiosk: loaded while somebody enrols, gone afterwards. One thread owns them.

An own copy (about 50 MB while it lives) rather than the vision thread's: that one must not wait for a tablet, and a
node without an entrance camera has none.
"""

from __future__ import annotations

import logging
from typing import Protocol

from edge.config.model import EdgeConfig
from edge.enrol import load_models
from edge.errors import NodeError
from edge.kiosk.errors import KioskError
from edge.kiosk.guide import Guide, Hint
from edge.values import Image
from edge.vision.enrolment import NotEnrolled, RefusalReason, StillEngine, embed, examine

log = logging.getLogger(__name__)

Seen = Hint | RefusalReason


class FaceStudio(Protocol):
    """What the desk needs; tests offer one without models."""

    embedder: str
    """sha256 of the embedder, for the templates."""

    def see(self, picture: Image, guide: Guide) -> Seen: ...


class Studio:
    """Looks at one picture at a time."""

    def __init__(self, engine: StillEngine, embedder: str) -> None:
        self._engine = engine
        self.embedder = embedder

    def see(self, picture: Image, guide: Guide) -> Seen:
        """Examine the picture; a usable face goes to the guide, which asks for its template when it wants it."""
        sight = examine(picture, self._engine)
        if isinstance(sight, NotEnrolled):
            guide.lost()
            told = None if sight.yaw is None else guide.refused(sight.yaw)
            return told or sight.reason
        return guide.see(sight, lambda face: embed(picture, face, self._engine))


def open_studio(config: EdgeConfig) -> FaceStudio:
    """Load the models. KioskError when they are missing; the reason goes to the log, for the operator."""
    try:
        engine, embedder = load_models(config)
    except NodeError as error:
        log.error("kiosk: nobody can enrol: %s", error)
        raise KioskError("models") from None
    return Studio(engine, embedder)
