"""Tracks that other nodes of the store share: judged, and put on this node's clock. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from contract.errors import MessageError
from contract.local import FloorTracks, Sight, decode, speaker
from edge.floor.stage import FloorView
from edge.values import FloorPosition, Instant

_OLDEST_S, _AHEAD_S = 1.0, 0.5
_CAMERAS = 64


class Neighbours:
    """One for the node. `counts`: messages by what became of them. `off`: nodes that are not used because their
    clocks are so many seconds behind ours (or their messages late), as of their last message."""

    def __init__(self, store: str, node: str) -> None:
        self._own = (store, node)
        self._cameras: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.off: dict[str, float] = {}

    def take(self, topic: str, payload: bytes, now: Instant) -> tuple[str, FloorView, Instant] | None:
        """Camera (`node/camera`), what it saw and when by this node's clocks; None when it is not to be used.

        The nodes' wall clocks must agree to a tenth of a second (NTP): a second apart, nothing is used, and that is
        counted and noted in `off`.
        """
        sender = speaker(topic)
        if sender is None or sender[0] != self._own[0]:
            self.counts["misaddressed"] += 1
            return None
        if sender == self._own:
            self.counts["own"] += 1
            return None
        try:
            tracks = decode(payload)
        except MessageError:
            self.counts["malformed"] += 1
            return None
        age = (now.wall - tracks.at).total_seconds()
        if not -_AHEAD_S <= age <= _OLDEST_S:
            self.counts["clock"] += 1
            if sender[1] in self.off or len(self.off) < _CAMERAS:
                self.off[sender[1]] = round(age, 1)
            return None
        self.off.pop(sender[1], None)
        camera = f"{sender[1]}/{tracks.camera}"
        if camera not in self._cameras and len(self._cameras) >= _CAMERAS:
            self.counts["too_many"] += 1
            return None
        self._cameras.add(camera)
        self.counts["used"] += 1
        seen = now.monotonic - max(age, 0.0)
        at = Instant(seen, now.wall - timedelta(seconds=max(age, 0.0)))
        positions = tuple(
            FloorPosition(f"{camera}/{sight.track}", (sight.x, sight.y), seen, sight.spread, sight.clear, sight.edge)
            for sight in tracks.sights
        )
        return camera, FloorView(positions, tuple(f"{camera}/{track}" for track in tracks.ended)), at


def shared(camera: str, view: FloorView, at: Instant) -> FloorTracks:
    """What this node tells the others of one frame: places and the camera's own anonymous ids, nothing else."""
    sights = tuple(
        Sight(
            track=position.track,
            x=round(position.point[0], 3),
            y=round(position.point[1], 3),
            spread=(round(position.spread[0], 4), round(position.spread[1], 4), round(position.spread[2], 4)),
            clear=position.clear,
            edge=position.edge,
        )
        for position in view.positions[:40]
    )
    return FloorTracks(camera=camera, at=at.wall, sights=sights, ended=view.ended[:40])
