"""The filter of `tracking.kalman` for one box, in plain numbers: for the few faces before a door a call of numpy costs
more than all the arithmetic."""

from __future__ import annotations

from tracking.kalman import (
    DRIFT_POSITION,
    DRIFT_VELOCITY,
    FIRST_POSITION,
    FIRST_VELOCITY,
    LEAST_PX,
    MEASURED,
    STEPS_PER_S,
)
from tracking.values import Box


class BoxFilter:
    """Centre, width and height with their velocities. All noise is proportional to the height, so that the variances
    of the four coordinates are one and the same."""

    __slots__ = ("_at", "_both", "_moving", "_place", "_speed")

    def __init__(self, box: Box) -> None:
        """At rest and uncertain."""
        self._at = _centre(box)
        self._moving = (0.0, 0.0, 0.0, 0.0)
        scale = _variance_scale(self._at[3])
        self._place, self._both, self._speed = FIRST_POSITION**2 * scale, 0.0, FIRST_VELOCITY**2 * scale

    def box(self, ahead_s: float = 0.0) -> Box:
        """Corners, now or where they should be in a while; sides are at least one pixel."""
        x, y, width, height = self._at
        if ahead_s:
            vx, vy, wider, taller = self._moving
            x, y, width, height = x + ahead_s * vx, y + ahead_s * vy, width + ahead_s * wider, height + ahead_s * taller
        width, height = max(width, 1.0) / 2, max(height, 1.0) / 2
        return x - width, y - height, x + width, y + height

    def predict(self, dt: float, agility: float) -> None:
        """Move `dt` seconds on. `agility`: as `KalmanBank` has it."""
        if not dt:
            return
        noise = dt * STEPS_PER_S * _variance_scale(self._at[3]) * agility * agility
        x, y, width, height = self._at
        vx, vy, wider, taller = self._moving
        self._at = x + dt * vx, y + dt * vy, width + dt * wider, height + dt * taller
        self._place += 2 * dt * self._both + dt * dt * self._speed + DRIFT_POSITION**2 * noise
        self._both += dt * self._speed
        self._speed += DRIFT_VELOCITY**2 * noise

    def correct(self, box: Box) -> None:
        """Measured corners."""
        measured = _centre(box)
        spread = self._place + MEASURED**2 * _variance_scale(measured[3])
        near, fast = self._place / spread, self._both / spread
        (x, y, width, height), (vx, vy, wider, taller) = self._at, self._moving
        dx, dy, dw, dh = measured[0] - x, measured[1] - y, measured[2] - width, measured[3] - height
        self._at = x + near * dx, y + near * dy, width + near * dw, height + near * dh
        self._moving = vx + fast * dx, vy + fast * dy, wider + fast * dw, taller + fast * dh
        self._speed -= fast * self._both
        self._place *= 1 - near
        self._both *= 1 - near


def _centre(box: Box) -> Box:
    """Corners to (centre x, centre y, width, height)."""
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def _variance_scale(height: float) -> float:
    height = max(height, LEAST_PX)
    return height * height
