"""What the floor page can ask for, without HTTP. One thread calls it; pictures live here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.background import Background, reference
from calibration.errors import CalibrationError
from calibration.floor_file import FloorFile, FloorPoints, PointPair, floor_file, floor_yaml, read_floor
from calibration.lens.file import LensFile
from calibration.markers import find_markers
from calibration.plan_file import PlanFile, plan_yaml, read_plan
from calibration.records import write_text
from calibration.source import PICTURES, Source
from calibration.view import FloorView
from calibration.web.draft import Draft
from calibration.web.judgement import Judgement, drawn_view, judge
from contract.clock import Clock

Image = npt.NDArray[np.uint8]
Json = dict[str, object]
_PAUSE_S = 0.6
_LOOKS = 4
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 88)


@dataclass(frozen=True, slots=True)
class Files:
    """Where results go."""

    floor: Path
    plan: Path


class FloorDesk:
    """`sleep` waits between the pictures the background is learnt from."""

    def __init__(
        self, camera: str, source: Source, lens: LensFile | None, files: Files, clock: Clock,
        sleep: Callable[[float], object], operator: str = "",
    ) -> None:  # fmt: skip
        self.camera = camera
        self.files = files
        self.operator = operator
        self._source = source
        self._lens = lens
        self._clock = clock
        self._sleep = sleep
        self._still: Image | None = None

    def start(self) -> Json:
        """What is on disk already, as a draft to go on with."""
        floor = read_floor(self.files.floor) if self.files.floor.exists() else None
        plan = read_plan(self.files.plan) if self.files.plan.exists() else None
        return _draft(floor, plan) | {"camera": self.camera, "operator": self.operator or _operator(floor, plan)}

    def still(self) -> tuple[bytes, tuple[int, int]]:
        """A new picture as JPEG, and its size."""
        picture = self._source.still()
        size = picture.shape[1], picture.shape[0]
        if self._lens is not None and self._lens.image_size != size:
            wide, high = self._lens.image_size
            text = f"the lens file was made at {wide}x{high}, the camera gives {size[0]}x{size[1]}"
            raise CalibrationError(text, "lens_size")
        ok, jpeg = cv2.imencode(".jpg", picture, _JPEG)
        if not ok:
            raise CalibrationError("the picture could not be packed", "no_picture")
        self._still = picture
        return jpeg.tobytes(), size

    def markers(self) -> Json:
        """Markers in the current picture: number to place."""
        if self._still is None:
            raise CalibrationError("take a picture first", "no_picture")
        found = find_markers(self._still)
        return {"markers": {str(number): [round(x, 2), round(y, 2)] for number, (x, y) in sorted(found.items())}}

    def judge(self, draft: Draft) -> Json:
        """The live check."""
        found = judge(draft, self._size, self._lens)
        errors: list[float | None] = [None] * len(draft.points)
        if found.result is not None and found.state != "UNCALIBRATED":
            for index, error in zip(found.pairs, found.result.errors_m, strict=True):
                errors[index] = round(float(error), 3)
        residual = None if found.result is None else found.result.residual_m
        return {
            "state": found.state,
            "residual_m": None if residual is None else round(residual, 3),
            "errors_m": errors,
            "findings": [
                {"place": one.place, "word": one.word, "values": one.values, "warning": one.warning}
                for one in found.told
            ],
            "view": drawn_view(found.view, draft),
            "picture": _projected(found.view, draft),
        }

    def save(self, draft: Draft) -> Json:
        """Write both files. Refused while a shape is wrong; an INVALID calibration is written as such."""
        if not draft.operator.strip():
            raise CalibrationError("operator: say who calibrates", "no_operator")
        found = judge(draft, self._size, self._lens)
        if found.plan_faults():
            raise CalibrationError("some shapes are not in order yet; see the marks", "faults")
        written = [str(self._save_plan(draft))]
        watched = False
        if found.result is not None:
            record = self._floor_record(draft, found)
            watched = record.background is not None
            write_text(self.files.floor, floor_yaml(record))
            written.append(str(self.files.floor))
        return {"files": written, "state": found.state, "watched": watched, "calibrated": found.result is not None}

    @property
    def _size(self) -> tuple[int, int] | None:
        return None if self._still is None else (self._still.shape[1], self._still.shape[0])

    def _save_plan(self, draft: Draft) -> Path:
        body = draft.model_dump(by_alias=True, exclude={"points", "lane", "operator"})
        plan = PlanFile.model_validate({**body, "operator": draft.operator.strip(), "drawn_at": self._clock.now()})
        write_text(self.files.plan, plan_yaml(plan))
        return self.files.plan

    def _floor_record(self, draft: Draft, found: Judgement) -> FloorFile:
        assert found.result is not None
        pairs = []
        for index in found.pairs:
            point = draft.points[index]
            assert point.image is not None
            assert point.floor is not None
            pairs.append(PointPair(image=point.image, floor=point.floor, note=point.note))
        points = FloorPoints(
            camera=self.camera, operator=draft.operator.strip(), points=tuple(pairs), image_size=self._size
        )
        return floor_file(
            points,
            found.result,
            self._clock.now(),
            lens=self._lens,
            lane=draft.lane or None,
            background=self._background(),
        )

    def _background(self) -> Background | None:
        """Fixed details of the view, from several pictures; None when the source gives too few."""
        if self._still is None:
            return None
        pictures = [self._still]
        if isinstance(self._source.address, str) and Path(self._source.address).suffix.lower() in PICTURES:
            return reference(pictures)
        with self._source.open() as stream:
            for number in range(1, _LOOKS):
                if self._source.live:
                    self._sleep(_PAUSE_S)
                else:
                    stream.seek(stream.duration * number / _LOOKS)
                picture = stream.read()
                if picture is not None and picture.shape == self._still.shape:
                    pictures.append(picture)
        return reference(pictures)


def _projected(view: FloorView | None, draft: Draft) -> Json:
    """Grid, zones and lines as they should appear in the picture."""
    if view is None:
        return {"grid": [], "zones": [], "lines": []}
    lines = [(line.start, line.end) for line in draft.lines if line.start is not None and line.end is not None]
    try:
        grid = view.grid(bounds=(0, 0, draft.width_m, draft.height_m))
    except CalibrationError:
        grid = []
    return {
        "grid": grid,
        "zones": [_pixels(view, list(zone.polygon)) for zone in draft.zones if len(zone.polygon) > 2],
        "lines": [_pixels(view, list(ends)) for ends in lines],
    }


def _pixels(view: FloorView, places: list[tuple[float, float]]) -> list[list[float]]:
    seen = view.to_picture(np.array(places, np.float64))
    return [[round(float(x), 1), round(float(y), 1)] for x, y in seen] if np.isfinite(seen).all() else []


def _draft(floor: FloorFile | None, plan: PlanFile | None) -> Json:
    points = [] if floor is None else [pair.model_dump(include={"image", "floor", "note"}) for pair in floor.points]
    lane = [] if floor is None or floor.lane is None else list(floor.lane)
    if plan is None:
        return {"points": points, "lane": lane}
    body = plan.model_dump(by_alias=True, exclude_none=True, exclude={"operator", "drawn_at"})
    return {"points": points, "lane": lane, **body}


def _operator(floor: FloorFile | None, plan: PlanFile | None) -> str:
    return floor.operator if floor is not None else plan.operator if plan is not None else ""
