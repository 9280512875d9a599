"""The tail and its fit as an SVG: share of decisions above a score, logarithmic."""

from __future__ import annotations

import math

import numpy as np

from calibration.thresholds.earn import Earned
from calibration.thresholds.rates import fpir

_WIDTH, _HEIGHT, _LEFT, _TOP = 640.0, 360.0, 70.0, 50.0
_STYLE = "font-family:sans-serif;font-size:13px;fill:#222"


class _Axes:
    """Scores to the right, shares upward in decades."""

    def __init__(self, low: float, high: float, decades: int) -> None:
        self.low, self.high, self.decades = low, high, decades

    def x(self, score: float) -> float:
        return _LEFT + _WIDTH * (score - self.low) / (self.high - self.low)

    def y(self, share: float) -> float:
        return _TOP + _HEIGHT * min(max(-math.log10(max(share, 1e-300)) / self.decades, 0.0), 1.0)

    def point(self, score: float, share: float) -> str:
        return f"{self.x(score):.1f},{self.y(share):.1f}"


def svg(earned: Earned, title: str) -> str:
    """A self-contained picture; `title` is escaped."""
    gallery = earned.sample.comparisons / earned.sample.records
    top = max(earned.threshold, float(earned.scores.max())) + 0.02
    axes = _Axes(float(np.quantile(earned.scores, 0.5)), top, max(math.ceil(-math.log10(earned.wish.fpir)) + 1, 4))
    fitted = " ".join(
        axes.point(score, fpir(earned.tail.far(score), gallery)) for score in np.linspace(earned.tail.level, top, 120)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 30:g} {_TOP + _HEIGHT + 60:g}">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_LEFT:g}" y="28" style="{_STYLE};font-weight:bold">{_escaped(title)}</text>',
        *_grid(axes),
        f'<polyline points="{_seen(earned, axes)}" fill="none" stroke="#1b6" stroke-width="2"/>',
        f'<polyline points="{fitted}" fill="none" stroke="#c33" stroke-width="2" stroke-dasharray="6 3"/>',
        _line(axes.x(axes.low), axes.y(earned.wish.fpir), axes.x(top), axes.y(earned.wish.fpir), "#36c"),
        _line(axes.x(earned.threshold), _TOP, axes.x(earned.threshold), _TOP + _HEIGHT, "#36c"),
        f'<text x="{_LEFT:g}" y="{_TOP + _HEIGHT + 48:g}" style="{_STYLE}">green: seen; red: fitted; '
        f"blue: target {earned.wish.fpir:.1e} and threshold {earned.threshold:.4f}</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _seen(earned: Earned, axes: _Axes) -> str:
    ordered = np.sort(earned.scores)[::-1]
    shown = ordered[ordered >= axes.low]
    keep = np.unique(np.geomspace(1, len(shown), min(len(shown), 400)).astype(int)) - 1
    return " ".join(axes.point(float(shown[rank]), (rank + 1) / len(ordered)) for rank in keep)


def _grid(axes: _Axes) -> list[str]:
    lines = []
    for decade in range(axes.decades + 1):
        height = axes.y(10.0**-decade)
        lines.append(_line(_LEFT, height, _LEFT + _WIDTH, height, "#ddd"))
        lines.append(f'<text x="{_LEFT - 46:g}" y="{height + 4:.1f}" style="{_STYLE}">1e-{decade}</text>')
    for score in np.arange(math.ceil(axes.low * 20) / 20, axes.high, 0.05):
        place = axes.x(float(score))
        lines.append(f'<text x="{place - 12:.1f}" y="{_TOP + _HEIGHT + 20:g}" style="{_STYLE}">{score:.2f}</text>')
    return lines


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
