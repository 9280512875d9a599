"""Sheets to print: black rectangles and a line of text in millimetres, as SVG, PNG or PDF (always at 100 %)."""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw

from calibration.errors import CalibrationError

DPI = 300
_MM_PER_INCH = 25.4
_TEXT_MM = 3.2


@dataclass(frozen=True, slots=True)
class Rect:
    """Millimetres from the top left corner of the sheet."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page. `texts` are (x, baseline y, words)."""

    width: float
    height: float
    rects: tuple[Rect, ...]
    texts: tuple[tuple[float, float, str], ...] = ()

    def svg(self) -> str:
        """SVG in millimetres; the rectangles are one path, so that no seams show between them."""
        path = "".join(f"M{r.x:.3f} {r.y:.3f}h{r.width:.3f}v{r.height:.3f}h{-r.width:.3f}z" for r in self.rects)
        words = "".join(
            f'<text x="{x:.2f}" y="{y:.2f}" font-size="{_TEXT_MM}" font-family="sans-serif">{html.escape(text)}</text>'
            for x, y, text in self.texts
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:g}mm" height="{self.height:g}mm" '
            f'viewBox="0 0 {self.width:g} {self.height:g}"><rect width="100%" height="100%" fill="#fff"/>'
            f'<path d="{path}" fill="#000" shape-rendering="crispEdges"/>{words}</svg>\n'
        )

    def image(self, dpi: float = DPI) -> PIL.Image.Image:
        """Grey picture."""
        scale = dpi / _MM_PER_INCH
        picture = PIL.Image.new("L", (round(self.width * scale), round(self.height * scale)), 255)
        draw = PIL.ImageDraw.Draw(picture)
        for rect in self.rects:
            left, top = round(rect.x * scale), round(rect.y * scale)
            right, bottom = round((rect.x + rect.width) * scale) - 1, round((rect.y + rect.height) * scale) - 1
            if right >= left and bottom >= top:
                draw.rectangle((left, top, right, bottom), fill=0)
        for x, y, text in self.texts:
            draw.text((x * scale, (y - _TEXT_MM) * scale), text, fill=0, font_size=_TEXT_MM * scale)
        return picture


def write_sheets(sheets: list[Sheet], path: Path) -> list[Path]:
    """One file a sheet (`name-2.svg` ...), a PDF holds all. CalibrationError: suffix, unwritable."""
    kind = path.suffix.lower()
    if kind not in (".svg", ".png", ".pdf"):
        raise CalibrationError(f"{path}: give it the suffix .svg, .png or .pdf")
    if kind == ".pdf":
        return [_write(path, _pdf([sheet.image() for sheet in sheets]))]
    names = [path if number == 0 else path.with_stem(f"{path.stem}-{number + 1}") for number in range(len(sheets))]
    return [
        _write(name, sheet.svg().encode() if kind == ".svg" else _png(sheet))
        for name, sheet in zip(names, sheets, strict=True)
    ]


def marker_squares(dictionary: int, number: int, x: float, y: float, side: float) -> list[Rect]:
    """The black modules of an ArUco marker, border included, as rectangles (runs along each row)."""
    bits = cv2.aruco.getPredefinedDictionary(dictionary)
    modules = bits.markerSize + 2
    picture = np.asarray(cv2.aruco.generateImageMarker(bits, number, modules, borderBits=1))
    step, runs = side / modules, []
    for row in range(modules):
        column = 0
        while column < modules:
            end = column
            while end < modules and picture[row, end] == 0:
                end += 1
            if end > column:
                runs.append(Rect(x + column * step, y + row * step, (end - column) * step, step))
            column = end + 1
    return runs


def _png(sheet: Sheet) -> bytes:
    out = io.BytesIO()
    sheet.image().save(out, "PNG", dpi=(DPI, DPI))
    return out.getvalue()


def _pdf(pictures: list[PIL.Image.Image]) -> bytes:
    out = io.BytesIO()
    pictures[0].save(out, "PDF", resolution=float(DPI), save_all=True, append_images=pictures[1:])
    return out.getvalue()


def _write(path: Path, body: bytes) -> Path:
    try:
        path.write_bytes(body)
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror}") from None
    return path
