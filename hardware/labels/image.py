"""Images for electronic paper: only the colours the glass has, and a JPEG that gives them back unchanged."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

from epaper_dithering import ColorPalette, DitherMode, dither_image
from PIL import Image

from hardware.errors import PermanentError
from hardware.labels.base import RGB, Colour, LabelInfo
from hardware.labels.options import Dither

_MODES: dict[Dither, DitherMode] = {
    "none": DitherMode.NONE,
    "ordered": DitherMode.ORDERED,
    "burkes": DitherMode.BURKES,
    "floyd-steinberg": DitherMode.FLOYD_STEINBERG,
    "atkinson": DitherMode.ATKINSON,
    "stucki": DitherMode.STUCKI,
    "sierra": DitherMode.SIERRA,
}
_QUALITY = 95
_FULL_COLOUR_RESOLUTION = 0


def prepare(image: Image.Image, info: LabelInfo, dither: Dither = "none") -> Image.Image:
    """`image` in the label's colours, mode P with the palette in the order of `info.colours`.

    "none" takes each pixel to its nearest colour, right for text; the others spread the error, right for photographs.
    """
    if image.size != (info.width, info.height):
        raise PermanentError(
            f"The image is {image.width}x{image.height} pixels, label {info.address} has {info.width}x{info.height}",
            "Render it at the exact size: the access point does not scale",
        )
    if dither == "none":
        return nearest(image, info.colours)
    palette = ColorPalette({name: RGB[name] for name in info.colours}, accent=info.colours[-1])
    spread = dither_image(_opaque(image), palette, mode=_MODES[dither])
    return nearest(spread, info.colours)


def nearest(image: Image.Image, colours: Sequence[Colour]) -> Image.Image:
    """Each pixel as the nearest of `colours`; mode P, index = place in `colours`."""
    ink = Image.new("P", (1, 1))
    ink.putpalette([value for name in colours for value in RGB[name]])
    return _opaque(image).quantize(colors=len(colours), palette=ink, dither=Image.Dither.NONE)


def digest(prepared: Image.Image) -> str:
    """Names what a prepared image would put on the glass."""
    size = f"{prepared.width}x{prepared.height}:".encode()
    return hashlib.sha256(size + prepared.tobytes()).hexdigest()[:32]


def nudged(prepared: Image.Image) -> Image.Image:
    """The same picture but for one corner pixel, so that its hash must differ."""
    copy = prepared.copy()
    corner = (copy.width - 1, copy.height - 1)
    old = copy.getpixel(corner)
    copy.putpixel(corner, 0 if old == 1 else 1)
    return copy


def to_jpeg(prepared: Image.Image) -> bytes:
    """Baseline JPEG, colour not subsampled: sharp red edges survive, and small decoders can read it."""
    stream = io.BytesIO()
    _opaque(prepared).save(
        stream, "JPEG", quality=_QUALITY, subsampling=_FULL_COLOUR_RESOLUTION, progressive=False, optimize=False
    )
    return stream.getvalue()


def _opaque(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands():
        return image.convert("RGB")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper
