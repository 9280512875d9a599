"""People on the plan as a bank of Kalman filters: position and velocity in metres, nearly constant velocity.

White acceleration noise, and a velocity that fades while nobody sees the person: who is hidden is soon thought to
stand somewhere near rather than to walk on for ever (an Ornstein-Uhlenbeck process).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.values import Floats, FloorPosition

_AGILITY = 0.5
"""Power of the acceleration noise, m^2/s^3: half a second changes a walker's velocity by 0.5 m/s."""
_FADE_S = 2.5
_FIRST_SPEED = 0.9
_TURNED = np.array([1.0, 1.0, -1.0, -1.0])
_TURN = np.outer(_TURNED, _TURNED)
_LEAST = 0.05
"""Standard deviation below which no foot point is believed, metres."""


@dataclass(frozen=True, slots=True)
class State:
    """One person's mean (x, y, vx, vy) and covariance 4x4 at a moment."""

    mean: Floats
    covariance: Floats
    at: float
    looked: float = 0.0
    """When the last look was that it stands on, where that matters."""

    def later(self, at: float) -> State:
        """Predicted."""
        moved, noise = _step(at - self.at)
        return State(moved @ self.mean, moved @ self.covariance @ moved.T + noise, at)


class MotionBank:
    """N people; row i of every array is person i. All rows are at the time of the last `advance`."""

    def __init__(self) -> None:
        self.mean: Floats = np.zeros((0, 4))
        self.covariance: Floats = np.zeros((0, 4, 4))
        self.at = 0.0

    def __len__(self) -> int:
        return len(self.mean)

    def state(self, row: int) -> State:
        """A copy."""
        return State(self.mean[row].copy(), self.covariance[row].copy(), self.at)

    def advance(self, at: float) -> None:
        """Predict everybody; a time that lies back is ignored."""
        passed = at - self.at
        self.at = max(self.at, at)
        if passed <= 0 or not len(self.mean):
            return
        moved, noise = _step(passed)
        self.mean = self.mean @ moved.T
        self.covariance = moved @ self.covariance @ moved.T + noise

    def compare(self, points: Floats, spreads: Floats, lag: float) -> tuple[Floats, Floats]:
        """Mahalanobis distance squared and log-likelihood (N x M) of M points seen `lag` seconds before now.

        `points`: M x 2, or N x M x 2 where they differ from person to person.
        """
        seen = _seen(lag)
        means = self.mean @ seen.T
        away = (points if points.ndim == 3 else points[None, :, :]) - means[:, None, :]
        total = (seen @ self.covariance @ seen.T)[:, None] + spreads[None]
        distance = np.einsum("nmi,nmij,nmj->nm", away, np.linalg.inv(total), away)
        return distance, -0.5 * distance - 0.5 * np.log(np.linalg.det(total)) - np.log(2 * np.pi)

    def correct(self, row: int, point: Floats, spread: Floats, lag: float) -> None:
        """Measured place of one person."""
        seen = _seen(lag)
        covariance = self.covariance[row]
        gain = covariance @ seen.T @ np.linalg.inv(seen @ covariance @ seen.T + spread)
        self.mean[row] = self.mean[row] + gain @ (point - seen @ self.mean[row])
        rest = np.eye(4) - gain @ seen
        self.covariance[row] = rest @ covariance @ rest.T + gain @ spread @ gain.T

    def append(self, point: Floats, spread: Floats) -> None:
        """Somebody new, at rest as far as is known."""
        covariance = np.diag([0.0, 0.0, _FIRST_SPEED**2, _FIRST_SPEED**2])
        covariance[:2, :2] = spread
        self.mean = np.concatenate([self.mean, [[*point, 0.0, 0.0]]])
        self.covariance = np.concatenate([self.covariance, covariance[None]])

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the rows where `mask` is false."""
        self.mean, self.covariance = self.mean[mask], self.covariance[mask]


def filtered_back(looks: list[tuple[float, Floats, Floats]], moments: list[float]) -> list[State | None]:
    """States at `moments` (falling) from the looks (time, point, covariance; falling) that are later than each.

    The same motion seen backwards: velocities are turned round on the way in and on the way out.
    """
    found: list[State | None] = []
    mean, covariance, at = np.zeros(4), np.zeros((4, 4)), 0.0
    waiting = iter(looks)
    look = next(waiting, None)
    begun = False
    for moment in moments:
        while look is not None and look[0] > moment:
            when, point, spread = look
            if begun:
                moved, noise = _step(at - when)
                mean, covariance = moved @ mean, moved @ covariance @ moved.T + noise
                gain = covariance[:, :2] @ np.linalg.inv(covariance[:2, :2] + spread)
                mean = mean + gain @ (point - mean[:2])
                covariance = covariance - gain @ covariance[:2, :]
            else:
                mean = np.array([point[0], point[1], 0.0, 0.0])
                covariance = np.diag([0.0, 0.0, _FIRST_SPEED**2, _FIRST_SPEED**2])
                covariance[:2, :2] = spread
                begun = True
            at = when
            look = next(waiting, None)
        if not begun:
            found.append(None)
            continue
        moved, noise = _step(at - moment)
        found.append(State(_TURNED * (moved @ mean), _TURN * (moved @ covariance @ moved.T + noise), moment))
    return found


def measured(positions: tuple[FloorPosition, ...]) -> tuple[Floats, Floats]:
    """Points M x 2 and covariances M x 2 x 2 of a look."""
    points = np.array([position.point for position in positions], np.float64).reshape(-1, 2)
    spreads = np.array([[[s[0], s[1]], [s[1], s[2]]] for s in (position.spread for position in positions)], np.float64)
    return points, spreads.reshape(-1, 2, 2) + np.eye(2) * _LEAST**2


def _step(passed: float) -> tuple[Floats, Floats]:
    """Transition and process noise over some seconds."""
    fade = float(np.exp(-passed / _FADE_S))
    way = _FADE_S * (1 - fade)
    moved = np.eye(4)
    moved[0, 2] = moved[1, 3] = way
    moved[2, 2] = moved[3, 3] = fade
    # Noise of the unfaded motion: an upper bound on that of the fading one, and positive definite.
    block = np.array([[passed**3 / 3, passed**2 / 2], [passed**2 / 2, passed]]) * _AGILITY
    noise = np.zeros((4, 4))
    noise[np.ix_([0, 2], [0, 2])] = noise[np.ix_([1, 3], [1, 3])] = block
    return moved, noise


def _seen(lag: float) -> Floats:
    return np.array([[1.0, 0, -lag, 0], [0, 1.0, 0, -lag]])
