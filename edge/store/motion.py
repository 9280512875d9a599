"""People on the plan as a bank of Kalman filters: position and velocity in metres, of who stands and of who walks.

Walking: nearly constant velocity with white acceleration noise, and a velocity that fades while nobody sees the
person: who is hidden is soon thought to stand somewhere near rather than to walk on for ever (an Ornstein-Uhlenbeck
process). Standing: a place that hardly drifts.
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
_STANDS_S, _WALKS_S = 20.0, 8.0
"""How long people stand before they walk on, and walk before they stand, about."""
_STILL_MPS, _DRIFT = 0.05, 0.02
"""Speed of who stands, and how fast his place spreads: m^2/s."""
_NEWCOMER = (0.2, 0.8)
_TEMPER = 0.5
"""Looks that follow each other err alike: they tell half as much of whether somebody stands."""
_LEAST_SHARE = 1e-3
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
    """N people; row i of every array is person i. All rows are at the time of the last `advance`.

    Each is thought to stand or to walk: one filter for either, and how likely each is (interacting multiple models:
    Blom and Bar-Shalom, 1988). Who stands is remembered where, however long hidden by others; who walks is soon
    anywhere near. `mean` and `covariance` are of both together.
    """

    def __init__(self) -> None:
        self.mean: Floats = np.zeros((0, 4))
        self.covariance: Floats = np.zeros((0, 4, 4))
        self.at = 0.0
        self._modes = _Modes.none()

    def __len__(self) -> int:
        return len(self.mean)

    def state(self, row: int) -> State:
        """A copy of the filter of who walks: a name that is weighed must not lean on somebody's standing still."""
        return State(self._modes.mean[row, 1].copy(), self._modes.covariance[row, 1].copy(), self.at)

    def advance(self, at: float) -> None:
        """Predict everybody; a time that lies back is ignored."""
        passed = at - self.at
        self.at = max(self.at, at)
        if passed <= 0 or not len(self.mean):
            return
        self._modes = self._modes.changed(passed)
        resting, walking = _rest(passed), _step(passed)
        moved, noise = np.stack([resting[0], walking[0]]), np.stack([resting[1], walking[1]])
        modes = self._modes
        modes.mean = np.einsum("kij,nkj->nki", moved, modes.mean)
        modes.covariance = moved @ modes.covariance @ moved.swapaxes(-1, -2) + noise
        self._blend(slice(None))

    def compare(self, points: Floats, spreads: Floats, lag: float) -> tuple[Floats, Floats]:
        """Mahalanobis distance squared and log-likelihood (N x M) of M points seen `lag` seconds before now.

        `points`: M x 2, or N x M x 2 where they differ from person to person.
        """
        seen = _seen(lag)
        means = self._modes.mean @ seen.T
        away = (points if points.ndim == 3 else points[None, :, :])[:, None] - means[:, :, None, :]
        total = (seen @ self._modes.covariance @ seen.T)[:, :, None] + spreads[None, None]
        distance = np.einsum("nkmi,nkmij,nkmj->nkm", away, np.linalg.inv(total), away)
        likelihood = -0.5 * distance - 0.5 * np.log(np.linalg.det(total)) - np.log(2 * np.pi)
        weighed = likelihood + np.log(self._modes.share)[:, :, None]
        return distance.min(axis=1), np.logaddexp.reduce(weighed, axis=1)

    def correct(self, row: int, point: Floats, spread: Floats, lag: float) -> None:
        """Measured place of one person."""
        seen, modes = _seen(lag), self._modes
        covariance = modes.covariance[row]
        total = seen @ covariance @ seen.T + spread
        inverse = np.linalg.inv(total)
        gain = covariance @ seen.T @ inverse
        off = point - modes.mean[row] @ seen.T
        distance = np.einsum("ki,kij,kj->k", off, inverse, off)
        share = np.log(modes.share[row]) - _TEMPER * 0.5 * (distance + np.log(np.linalg.det(total)))
        share = np.exp(share - share.max())
        share = np.maximum(share / share.sum(), _LEAST_SHARE)
        modes.share[row] = share / share.sum()
        modes.mean[row] += np.einsum("kij,kj->ki", gain, off)
        rest = np.eye(4) - gain @ seen
        modes.covariance[row] = rest @ covariance @ rest.swapaxes(-1, -2) + gain @ spread @ gain.swapaxes(-1, -2)
        self._blend(slice(row, row + 1))

    def append(self, point: Floats, spread: Floats) -> None:
        """Somebody new; walking, rather."""
        self._modes.append(point, spread)
        self.mean = np.concatenate([self.mean, np.zeros((1, 4))])
        self.covariance = np.concatenate([self.covariance, np.zeros((1, 4, 4))])
        self._blend(slice(len(self.mean) - 1, None))

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the rows where `mask` is false."""
        self.mean, self.covariance = self.mean[mask], self.covariance[mask]
        self._modes = _Modes(self._modes.share[mask], self._modes.mean[mask], self._modes.covariance[mask])

    def _blend(self, rows: slice) -> None:
        self.mean[rows], self.covariance[rows] = _together(
            self._modes.share[rows], self._modes.mean[rows], self._modes.covariance[rows]
        )


@dataclass(slots=True)
class _Modes:
    """Of N people, standing (0) and walking (1): N x 2, N x 2 x 4, N x 2 x 4 x 4."""

    share: Floats
    mean: Floats
    covariance: Floats

    @staticmethod
    def none() -> _Modes:
        return _Modes(np.zeros((0, 2)), np.zeros((0, 2, 4)), np.zeros((0, 2, 4, 4)))

    def append(self, point: Floats, spread: Floats) -> None:
        covariance = np.zeros((1, 2, 4, 4))
        covariance[..., :2, :2] = spread
        covariance[0, 1, 2:, 2:] = np.eye(2) * _FIRST_SPEED**2
        covariance[0, 0, 2:, 2:] = np.eye(2) * _STILL_MPS**2
        self.share = np.concatenate([self.share, [_NEWCOMER]])
        self.mean = np.concatenate([self.mean, np.broadcast_to([*point, 0.0, 0.0], (1, 2, 4))])
        self.covariance = np.concatenate([self.covariance, covariance])

    def changed(self, passed: float) -> _Modes:
        """Some who stood walk after a while, and the other way round."""
        sets_off, halts = 1 - np.exp(-passed / _STANDS_S), 1 - np.exp(-passed / _WALKS_S)
        turn = np.array([[1 - sets_off, sets_off], [halts, 1 - halts]])
        joint = self.share[:, :, None] * turn[None]
        share = joint.sum(axis=1)
        weights = (joint / share[:, None, :]).swapaxes(1, 2)
        # Who halts has no speed, who sets off any.
        standing, halting, setting_off = self.mean.copy(), self.covariance.copy(), self.covariance.copy()
        standing[..., 2:] = 0.0
        halting[:, 1, 2:, :] = halting[:, 1, :, 2:] = 0.0
        halting[:, 1, [2, 3], [2, 3]] = _STILL_MPS**2
        setting_off[:, 0, [2, 3], [2, 3]] = _FIRST_SPEED**2
        still = _together(weights[:, 0], standing, halting)
        moving = _together(weights[:, 1], self.mean, setting_off)
        return _Modes(share, np.stack([still[0], moving[0]], axis=1), np.stack([still[1], moving[1]], axis=1))


def _together(share: Floats, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of mixtures: N x 2, N x 2 x 4, N x 2 x 4 x 4 to N x 4, N x 4 x 4."""
    middle = np.einsum("nk,nki->ni", share, mean)
    off = mean - middle[:, None]
    return middle, np.einsum("nk,nkij->nij", share, covariance + off[..., :, None] * off[..., None, :])


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


def _rest(passed: float) -> tuple[Floats, Floats]:
    """The same of who stands."""
    moved = np.diag([1.0, 1.0, 0.0, 0.0])
    return moved, np.diag([_DRIFT * passed, _DRIFT * passed, _STILL_MPS**2, _STILL_MPS**2])


def _seen(lag: float) -> Floats:
    return np.array([[1.0, 0, -lag, 0], [0, 1.0, 0, -lag]])
