"""Is this photograph good enough to enrol from? One face, large, sharp, frontal - or refused with the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.values import Box, Image, Vector
from edge.vision.ports import FaceEngine
from edge.vision.quality import Pose, before_landmarks, pose, rate
from models.faces.detector import FaceDetector
from models.faces.enrolment import enrolment_template
from models.faces.stills import detect_still

RefusalReason = Literal["no_face", "several_faces", "small", "edge", "dark", "blurred", "turned"]

_ADVICE = {
    "no_face": "no face was found; look at the camera, with light on the face",
    "several_faces": "more than one face is in the picture; only the person who enrols may be in it",
    "small": "the face is too small; come closer",
    "edge": "the face is cut by the edge of the picture; move to its middle",
    "dark": "it is too dark; turn towards the light",
    "blurred": "the face is blurred; hold still, or clean the lens",
    "turned": "the face is turned away; look straight at the camera",
}
_MIN_SCORE = 0.8
_MIN_WIDTH_PX = 44.0
_MIN_SHARPNESS = 0.07
"""Of edge.vision.quality; 125 photographs measure 0.095 and more, blurred by 1/25 of the face up to 0.065."""
_MAX_YAW_DEG = 28.0
"""What 30 degrees may read: a face is taken for a few degrees less turned than it is (docs/recognition.md)."""
_NOSE_DEPTH = 0.33
"""Eye distances that the nose stands before the middle between eyes and mouth, on heads turned by known angles."""
_MAX_ROLL_DEG = 30.0
_MAX_NOSE_OFFSET = 0.28
_MIN_DETAIL = (0.01, 0.025)
"""Second differences along x and along y over the variance, of the face at 64x64. 241 of 242 photographs have more than
0.0100 and 0.0297; with a motion of 1/7 of the face's width along x or along y they have 0.0097 or 0.022 at most."""
_DARK = 60.0
"""Grey level (0..255) that the lightest tenth of a face must reach; in a lit room any skin does."""
_MAX_WANDER = 0.0155
"""Share of the face's width: 125 upright faces measure up to 0.0151, lying and upside-down ones from 0.0158 to 0.17."""
_NUDGES = ((0.0, 0.0, 1.0), (0.07, 0.0, 1.0), (-0.07, 0.0, 1.0), (0.0, 0.07, 1.0), (0.0, -0.07, 1.0), (0.0, 0.0, 1.12),
           (0.0, 0.0, 0.9))  # fmt: skip
"""Right, down, scale: how the box is moved to see whether the landmarks stay."""
_RIVAL = 0.35
"""A second face at least this share of the first's width is a second person, not somebody far behind."""


@dataclass(frozen=True, slots=True, eq=False)
class Enrolled:
    """A template, unit length float32[512], and the quality of its picture."""

    vector: Vector
    quality: float


@dataclass(frozen=True, slots=True)
class NotEnrolled:
    """Why not, as a word for counters and as advice for the person. `yaw`: of an upright face that is turned."""

    reason: RefusalReason
    yaw: float | None = None

    @property
    def advice(self) -> str:
        """What to do."""
        return _ADVICE[self.reason]


class StillEngine(FaceEngine, Protocol):
    """The face models with their detector: a photograph is searched at several sizes."""

    @property
    def detector(self) -> FaceDetector: ...


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A face that is good enough, not embedded yet. `yaw` in degrees, positive to the person's own left."""

    box: Box
    five: NDArray[np.float32]
    yaw: float
    quality: float


def assess(image: Image, models: StillEngine) -> Enrolled | NotEnrolled:
    """Judge one BGR photograph; the embedder runs only when everything else is in order."""
    sight = examine(image, models)
    return sight if isinstance(sight, NotEnrolled) else embed(image, sight, models)


def embed(image: Image, sight: Sight, models: StillEngine) -> Enrolled:
    """The template of an examined face, out of several views of it."""
    vector = enrolment_template(models, models.align(image, sight.five))
    return Enrolled(vector, sight.quality)


def examine(image: Image, models: StillEngine) -> Sight | NotEnrolled:
    """One face, whole, large, lit, sharp and turned by no more than 30 degrees - or the reason why not."""
    if min(image.shape[:2]) < _MIN_WIDTH_PX:
        return NotEnrolled("small")
    box = _only_face(detect_still(models.detector, image))
    if not isinstance(box, tuple):
        return NotEnrolled("dark" if box == "no_face" and _dark(image) else box)
    flaw, sharp = before_landmarks(image, box, _MIN_WIDTH_PX)
    if flaw in ("small", "edge"):
        return NotEnrolled(flaw)
    if _dark(image[max(0, int(box[1])) : int(box[3]), max(0, int(box[0])) : int(box[2])]):
        return NotEnrolled("dark")
    if flaw or sharp < _MIN_SHARPNESS or _smeared(image, box):
        return NotEnrolled("blurred")
    five = models.landmarks(image, np.asarray(box, np.float32)).five
    views = _nudged(image, box, models)
    turned = pose(five)
    yaw = sum(map(_yaw, views)) / len(views)
    if _looks_away(five, turned):
        return NotEnrolled("turned")
    if _wander(views, box) > _MAX_WANDER or abs(yaw) > _MAX_YAW_DEG:
        return NotEnrolled("turned", yaw)
    return Sight(box, five, yaw, rate(box[2] - box[0], sharp, turned).score)


def _smeared(image: Image, box: Box) -> bool:
    """Whether the face moved while the shutter was open: sharp across the motion, soft along it."""
    x1, y1 = max(0, int(box[0])), max(0, int(box[1]))
    grey = cv2.cvtColor(image[y1 : int(box[3]), x1 : int(box[2])], cv2.COLOR_BGR2GRAY)
    patch = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    variance = max(float(patch.var()), 1.0)
    along = (np.diff(patch, 2, axis=axis).var() / variance for axis in (1, 0))
    return any(detail < least for detail, least in zip(along, _MIN_DETAIL, strict=True))


def _yaw(five: NDArray[np.float32]) -> float:
    """Degrees, as heads are really turned: how far the tip of the nose is beside the middle between eyes and mouth.

    The eyes alone would do, but the mouth tells a crooked nose, or a tilted head, from a turned one.
    """
    left, right, nose, mouth_left, mouth_right = five.astype(np.float64)
    across = right - left
    eye_distance = float(np.linalg.norm(across))
    if not np.isfinite(five).all() or eye_distance < 1.0:
        return 90.0
    middle = ((left + right) / 2 + (mouth_left + mouth_right) / 2) / 2
    aside = float((nose - middle) @ across) / eye_distance**2
    return math.degrees(math.atan(aside / _NOSE_DEPTH))


def _looks_away(five: NDArray[np.float32], turned: Pose) -> bool:
    roll = abs(math.degrees(math.atan2(float(five[1, 1] - five[0, 1]), float(five[1, 0] - five[0, 0]))))
    return roll > _MAX_ROLL_DEG or abs(turned.nose - 0.5) > _MAX_NOSE_OFFSET


def _wander(views: list[NDArray[np.float32]], box: Box) -> float:
    """How far landmarks move when the box is nudged, as a share of its width. They are fitted for upright faces: on a
    head that lies or hangs they look plausible, but do not stay."""
    points = np.stack(views)
    return float(np.linalg.norm(points - points.mean(axis=0), axis=2).mean() / (box[2] - box[0]))


def _nudged(image: Image, box: Box, models: StillEngine) -> list[NDArray[np.float32]]:
    """Landmarks found from slightly different boxes, the given one among them."""
    width, height = box[2] - box[0], box[3] - box[1]
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    found = []
    for right, down, scale in _NUDGES:
        x, y = middle[0] + right * width, middle[1] + down * height
        half_x, half_y = scale * width / 2, scale * height / 2
        nudged = np.array((x - half_x, y - half_y, x + half_x, y + half_y), np.float32)
        found.append(models.landmarks(image, nudged).five)
    return found


def _dark(picture: Image) -> bool:
    return float(np.percentile(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 90)) < _DARK


def _only_face(found: NDArray[np.float32]) -> tuple[float, float, float, float] | Literal["no_face", "several_faces"]:
    sure = found[found[:, 4] >= _MIN_SCORE]
    if len(sure) == 0:
        return "no_face"
    widths = sure[:, 2] - sure[:, 0]
    largest = int(np.argmax(widths))
    if np.count_nonzero(widths >= _RIVAL * widths[largest]) > 1:
        return "several_faces"
    x1, y1, x2, y2 = sure[largest, :4].tolist()
    return x1, y1, x2, y2
