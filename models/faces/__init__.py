"""Face detection, landmarks, alignment and embedding through insightface's interfaces.

Importing this package imports insightface: a site whose policy is `qr_only` must not import it.
"""

from models.faces.bundle import FaceModels, load_face_models
from models.faces.detector import FaceDetector, RfbFaceDetector
from models.faces.landmarks import FaceLandmarker, FaceLandmarks

__all__ = [
    "FaceDetector",
    "FaceLandmarker",
    "FaceLandmarks",
    "FaceModels",
    "RfbFaceDetector",
    "load_face_models",
]
