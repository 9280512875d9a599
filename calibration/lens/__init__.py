"""Lens calibration: printed board, detection, solving, the lens file, and pixels without distortion."""

from __future__ import annotations

from calibration.lens.file import LensFile, read_lens
from calibration.lens.model import Lens

__all__ = ["Lens", "LensFile", "read_lens"]
