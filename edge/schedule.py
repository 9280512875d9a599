"""Whose turn is it? The camera that has waited longest, measured in its own periods. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

_CATCH_UP = 0.5
"""A camera that was late may be early once by this share of its period, so that its average rate holds."""


class FairSchedule:
    """`rates`: frames a second wanted from each camera. A fast one can not starve a slow one."""

    def __init__(self, rates: Mapping[str, float]) -> None:
        self._periods = {camera: 1.0 / rate for camera, rate in rates.items()}
        self._due = dict.fromkeys(rates, 0.0)

    def pick(self, waiting: Collection[str], now: float) -> str | None:
        """The camera to serve now among those with a frame; None when none of them is due."""
        late = {camera: (now - self._due[camera]) / self._periods[camera] for camera in waiting}
        if not late:
            return None
        camera = max(late, key=lambda name: late[name])
        if late[camera] < 0:
            return None
        period = self._periods[camera]
        self._due[camera] = max(self._due[camera] + period, now + (1 - _CATCH_UP) * period)
        return camera

    def wait_s(self, waiting: Collection[str], now: float) -> float | None:
        """How long until one of the waiting cameras is due; None when nothing waits."""
        return min((max(0.0, self._due[camera] - now) for camera in waiting), default=None)
