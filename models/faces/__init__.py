"""Face detection, landmarks, alignment and embedding through insightface's interfaces.

Importing this package imports insightface: a site whose policy is `qr_only` must not import it.
"""

from models.faces.bundle import load_face_models
from models.faces.detector import FaceDetector, RfbFaceDetector
from models.faces.enrolment import enrolment_template, enrolment_views
from models.faces.landmarks import FaceLandmarker, FaceLandmarks
from models.faces.liveness import LivenessJudge, NotClaimed
from models.faces.protocol import FaceModels

__all__ = [
    "FaceDetector",
    "FaceLandmarker",
    "FaceLandmarks",
    "FaceModels",
    "LivenessJudge",
    "NotClaimed",
    "RfbFaceDetector",
    "enrolment_template",
    "enrolment_views",
    "load_face_models",
]
