"""Pages people use: server-rendered Jinja and htmx, our own CSS, English and Russian."""

from __future__ import annotations

from central.web.mounting import mount

__all__ = ["mount"]
