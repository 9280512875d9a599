"""The plainest tracker there is: boxes of neighbouring frames that overlap most are the same person.

It exists so that the detector can be scored without the edge's tracker, which this package may not import.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.boxes import iou
from models.detections import Detections, Floats
from models.evaluation.mot import TrackedBoxes, nobody

START_SCORE = 0.45
FOLLOW_SCORE = 0.3
LINK_IOU = 0.3
MEMORY_S = 1.0


@dataclass(slots=True)
class _Link:
    person: int
    box: Floats
    seen: float


class GreedyLinker:
    """Greedy IoU linking, best overlap first; forgets a person after a second."""

    def __init__(self) -> None:
        self._links: list[_Link] = []
        self._people = 0

    def step(self, detections: Detections, now: float) -> TrackedBoxes:
        """Identities of one frame's detections; `now` in seconds."""
        self._links = [link for link in self._links if now - link.seen <= MEMORY_S]
        wanted = detections.scores >= FOLLOW_SCORE
        boxes, scores = detections.boxes[wanted], detections.scores[wanted]
        matches = self._match(boxes)
        found: list[_Link] = []
        for index, (box, score) in enumerate(zip(boxes, scores, strict=True)):
            link = matches.get(index)
            if link is None and score >= START_SCORE:
                self._people += 1
                link = _Link(self._people, box, now)
                self._links.append(link)
            if link is not None:
                link.box, link.seen = box, now
                found.append(link)
        if not found:
            return nobody()
        return TrackedBoxes(np.stack([link.box for link in found]), np.array([link.person for link in found], np.int64))

    def _match(self, boxes: Floats) -> dict[int, _Link]:
        """Link by detection index."""
        if not len(boxes) or not self._links:
            return {}
        overlap = iou(boxes, np.stack([link.box for link in self._links]))
        matches: dict[int, _Link] = {}
        while overlap.max() >= LINK_IOU:
            row, column = np.unravel_index(int(overlap.argmax()), overlap.shape)
            matches[int(row)] = self._links[int(column)]
            overlap[row, :] = -1
            overlap[:, column] = -1
        return matches
