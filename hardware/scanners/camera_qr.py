"""QR and bar codes in camera frames, with zxing-cpp: grey first, enlarged when nothing was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from hardware.scanners.base import Scan
from hardware.scanners.options import CameraQrOptions, CodeFormat

_FORMATS: Mapping[CodeFormat, zxingcpp.BarcodeFormat] = MappingProxyType(
    {
        "qr": zxingcpp.BarcodeFormat.QRCode,
        "micro_qr": zxingcpp.BarcodeFormat.MicroQRCode,
        "data_matrix": zxingcpp.BarcodeFormat.DataMatrix,
        "aztec": zxingcpp.BarcodeFormat.Aztec,
        "ean13": zxingcpp.BarcodeFormat.EAN13,
        "ean8": zxingcpp.BarcodeFormat.EAN8,
        "upca": zxingcpp.BarcodeFormat.UPCA,
        "code128": zxingcpp.BarcodeFormat.Code128,
    }
)
_DEFAULTS = CameraQrOptions()
Corners = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class QrCode:
    """A code and its corners in pixels of the frame, clockwise from the code's own top left."""

    text: str
    corners: Corners


def decode_qr(image: NDArray[np.uint8], options: CameraQrOptions = _DEFAULTS) -> tuple[QrCode, ...]:
    """Every readable code in `image` (uint8, HxWx3 BGR or HxW grey)."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    found = _read(np.ascontiguousarray(grey, dtype=np.uint8), options, 1.0)
    if found or options.retry_scale == 1.0:
        return found
    scale = options.retry_scale
    # Cubic: on codes of 1.3 to 2.4 pixels a module it reads 150 of 150 where linear reads 139, no retry 112.
    larger = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return _read(np.ascontiguousarray(larger, dtype=np.uint8), options, scale)


def _read(grey: NDArray[np.uint8], options: CameraQrOptions, scale: float) -> tuple[QrCode, ...]:
    formats = zxingcpp.BarcodeFormats([_FORMATS[name] for name in options.formats])
    return tuple(
        QrCode(code.text, _corners(code.position, scale))
        for code in zxingcpp.read_barcodes(grey, formats=formats)
        if code.text
    )


def _corners(position: zxingcpp.Position, scale: float) -> Corners:
    def place(point: zxingcpp.Point) -> tuple[int, int]:
        return round(point.x / scale), round(point.y / scale)

    return (
        place(position.top_left),
        place(position.top_right),
        place(position.bottom_right),
        place(position.bottom_left),
    )


@dataclass(frozen=True, slots=True)
class QrStage:
    """Reports a code when it comes into view, not again until it was out of view for `dedupe_s`."""

    source: str
    options: CameraQrOptions = _DEFAULTS
    seen: Mapping[str, float] = field(default_factory=dict)

    def step(self, image: NDArray[np.uint8], now: float) -> tuple[QrStage, tuple[Scan, ...]]:
        """Look at one frame taken at `now` (monotonic seconds)."""
        return self.observe(tuple(code.text for code in decode_qr(image, self.options)), now)

    def observe(self, texts: tuple[str, ...], now: float) -> tuple[QrStage, tuple[Scan, ...]]:
        """The dedupe alone, for texts already decoded."""
        fresh = {text: at for text, at in self.seen.items() if now - at < self.options.dedupe_s}
        scans = tuple(Scan(text, now, self.source) for text in dict.fromkeys(texts) if text not in fresh)
        return replace(self, seen={**fresh, **dict.fromkeys(texts, now)}), scans
