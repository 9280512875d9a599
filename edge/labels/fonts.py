"""Roboto (Apache-2.0) out of the package font-roboto: Latin, Cyrillic and the currency signs we print."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from PIL import ImageFont

from edge.errors import NodeError

PACKAGE = "font-roboto"
_FACES = {False: "Roboto-Medium.ttf", True: "Roboto-Bold.ttf"}


def font_path(*, bold: bool) -> Path:
    """The font file; NodeError when the package is not installed."""
    # The package's own __init__ needs pkg_resources, which setuptools dropped: only its files are used.
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError:
        listed = []
    for entry in listed:
        if entry.name == _FACES[bold]:
            return Path(str(entry.locate()))
    raise NodeError(f"the label fonts are missing: pip install {PACKAGE}==0.0.1 (it is part of the edge extra)")


@lru_cache(maxsize=256)
def font(size_px: float, *, bold: bool) -> ImageFont.FreeTypeFont:
    """The face at `size_px` pixels to the em (half pixels are kept apart, no finer)."""
    return ImageFont.truetype(str(font_path(bold=bold)), round(size_px * 2) / 2)
