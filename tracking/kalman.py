"""A bank of constant-velocity Kalman filters over boxes, with real time steps.

Each of centre x, centre y, width and height is filtered by itself (position and velocity), so the state of a box is
five rows of four numbers: position, velocity and the 2x2 covariance (position, both, velocity). Noise scales with the
height of the box: far people jitter by fewer pixels. All boxes are one array, so that a step is a handful of calls: on
few boxes the calls cost more than the arithmetic.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracking.values import Floats

MEASURED = 0.05
"""Standard deviation of a detected coordinate, in box heights."""
DRIFT_POSITION = 0.05
DRIFT_VELOCITY = 0.10
FIRST_POSITION = 0.1
FIRST_VELOCITY = 1.0
STEPS_PER_S = 20.0
LEAST_PX = 10.0
_POSITION, _VELOCITY, _PP, _PV, _VV = range(5)


def to_centre(boxes: Floats) -> Floats:
    """Nx4 corners to Nx4 (centre x, centre y, width, height)."""
    centres = np.empty((len(boxes), 4))
    np.subtract(boxes[:, 2:], boxes[:, :2], out=centres[:, 2:])
    np.add(boxes[:, :2], boxes[:, 2:], out=centres[:, :2])
    centres[:, :2] /= 2
    return centres


def _variance_scale(centres: Floats) -> Floats:
    """Squared height, Nx1: what all noise is proportional to."""
    height = np.maximum(centres[:, 3:4], LEAST_PX)
    return np.asarray(height * height)


class KalmanBank:
    """N boxes. `agility` scales how fast people are believed to change course."""

    def __init__(self, agility: float = 0.25) -> None:
        self._drift = (DRIFT_POSITION * agility) ** 2, (DRIFT_VELOCITY * agility) ** 2
        self._state: Floats = np.zeros((5, 0, 4))

    def __len__(self) -> int:
        return int(self._state.shape[1])

    @property
    def position(self) -> Floats:
        """Nx4: centre x, centre y, width, height in pixels."""
        return np.asarray(self._state[_POSITION])

    @property
    def velocity(self) -> Floats:
        """Nx4, pixels a second."""
        return np.asarray(self._state[_VELOCITY])

    def boxes(self, ahead_s: float = 0.0) -> Floats:
        """Corners Nx4, now or where they should be in a while; sides are at least one pixel."""
        position: Floats = self.position + ahead_s * self.velocity if ahead_s else self.position
        half = np.maximum(position[:, 2:], 1.0) / 2
        corners = np.empty_like(position)
        np.subtract(position[:, :2], half, out=corners[:, :2])
        np.add(position[:, :2], half, out=corners[:, 2:])
        return corners

    def predict(self, dt: float) -> None:
        """Move every box `dt` seconds on."""
        if not dt or not len(self):
            return
        noise = dt * STEPS_PER_S * _variance_scale(self.position)
        move = np.array(
            [
                [1, dt, 0, 0, 0],
                [0, 1, 0, 0, 0],
                [0, 0, 1, 2 * dt, dt * dt],
                [0, 0, 0, 1, dt],
                [0, 0, 0, 0, 1],
            ]
        )
        self._state = (move @ self._state.reshape(5, -1)).reshape(self._state.shape)
        self._state[_PP] += self._drift[0] * noise
        self._state[_VV] += self._drift[1] * noise

    def correct(self, rows: NDArray[np.intp], boxes: Floats) -> None:
        """Measured corners (len(rows) x 4) of some rows."""
        if not len(rows):
            return
        measured = to_centre(boxes)
        state = self._state[:, rows]
        gain = state[_PP:_VV] / (state[_PP] + MEASURED**2 * _variance_scale(measured))
        state[_VV] -= gain[1] * state[_PV]
        state[:_PP] += gain * (measured - state[_POSITION])
        state[_PP:_VV] *= 1 - gain[0]
        self._state[:, rows] = state

    def append(self, boxes: Floats) -> None:
        """New boxes, at rest and uncertain."""
        fresh = np.zeros((5, len(boxes), 4))
        fresh[_POSITION] = to_centre(boxes)
        scale = _variance_scale(fresh[_POSITION])
        fresh[_PP], fresh[_VV] = FIRST_POSITION**2 * scale, FIRST_VELOCITY**2 * scale
        self._state = np.concatenate([self._state, fresh], axis=1)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the rows where `mask` is false."""
        self._state = self._state[:, mask]
