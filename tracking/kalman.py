"""A bank of constant-velocity Kalman filters over boxes, with real time steps.

Each of centre x, centre y, width and height is filtered by itself (position and velocity), so a 2x2 covariance per
coordinate is kept as three arrays. Noise scales with the height of the box: far people jitter by fewer pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracking.values import Floats

_MEASURED = 0.05
"""Standard deviation of a detected coordinate, in box heights."""
_DRIFT_POSITION = 0.05
_DRIFT_VELOCITY = 0.10
_FIRST_POSITION = 0.1
_FIRST_VELOCITY = 1.0
_STEPS_PER_S = 20.0
_LEAST_PX = 10.0


def to_centre(boxes: Floats) -> Floats:
    """Nx4 corners to Nx4 (centre x, centre y, width, height)."""
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def _scale(centres: Floats) -> Floats:
    return np.maximum(centres[:, 3:4], _LEAST_PX)


class KalmanBank:
    """N boxes; row i of every array is box i. `agility` scales how fast people are believed to change course."""

    def __init__(self, agility: float = 0.25) -> None:
        self._agility = agility
        self.position: Floats = np.zeros((0, 4))
        self.velocity: Floats = np.zeros((0, 4))
        self._pp: Floats = np.zeros((0, 4))
        self._pv: Floats = np.zeros((0, 4))
        self._vv: Floats = np.zeros((0, 4))

    def __len__(self) -> int:
        return len(self.position)

    def boxes(self, ahead_s: float = 0.0) -> Floats:
        """Corners Nx4, now or where they should be in a while; sides are at least one pixel."""
        position = self.position + ahead_s * self.velocity if ahead_s else self.position
        half = np.maximum(position[:, 2:], 1.0) / 2
        corners = np.empty_like(position)
        np.subtract(position[:, :2], half, out=corners[:, :2])
        np.add(position[:, :2], half, out=corners[:, 2:])
        return corners

    def predict(self, dt: float) -> None:
        """Move every box `dt` seconds on."""
        scale = _scale(self.position)
        steps = dt * _STEPS_PER_S
        self.position = self.position + dt * self.velocity
        self._pp = (
            self._pp + 2 * dt * self._pv + dt * dt * self._vv + steps * (scale * _DRIFT_POSITION * self._agility) ** 2
        )
        self._pv = self._pv + dt * self._vv
        self._vv = self._vv + steps * (scale * _DRIFT_VELOCITY * self._agility) ** 2

    def correct(self, rows: NDArray[np.intp], boxes: Floats) -> None:
        """Measured corners (len(rows) x 4) of some rows."""
        measured = to_centre(boxes)
        noise = (_scale(measured) * _MEASURED) ** 2
        pp, pv, vv = self._pp[rows], self._pv[rows], self._vv[rows]
        gain_position, gain_velocity = pp / (pp + noise), pv / (pp + noise)
        surprise = measured - self.position[rows]
        self.position[rows] += gain_position * surprise
        self.velocity[rows] += gain_velocity * surprise
        self._pp[rows] = (1 - gain_position) * pp
        self._pv[rows] = (1 - gain_position) * pv
        self._vv[rows] = vv - gain_velocity * pv

    def append(self, boxes: Floats) -> None:
        """New boxes, at rest and uncertain."""
        centres = to_centre(boxes)
        scale = np.repeat(_scale(centres), 4, axis=1)
        nothing = np.zeros_like(centres)
        self.position = np.concatenate([self.position, centres])
        self.velocity = np.concatenate([self.velocity, nothing])
        self._pp = np.concatenate([self._pp, (scale * _FIRST_POSITION) ** 2])
        self._pv = np.concatenate([self._pv, nothing])
        self._vv = np.concatenate([self._vv, (scale * _FIRST_VELOCITY) ** 2])

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the rows where `mask` is false."""
        self.position, self.velocity = self.position[mask], self.velocity[mask]
        self._pp, self._pv, self._vv = self._pp[mask], self._pv[mask], self._vv[mask]
