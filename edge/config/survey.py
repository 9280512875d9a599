"""What calibration files add to a configuration: homographies, lanes, zones, lines, and what is in view."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import TypeVar

import shapely
from shapely.geometry.base import BaseGeometry

from calibration.audit.file import AuditFile, read_audit
from calibration.errors import CalibrationError
from calibration.floor_file import FloorFile, read_floor
from calibration.lens.file import LensFile, read_lens
from calibration.plan_checks import Finding, line_findings, zone_view_findings
from calibration.plan_file import PlanFile, PlanLine, PlanZone, read_plan
from edge.config.bare_view import bare_view
from edge.config.model import EdgeConfig
from edge.config.problems import Path
from edge.config.vision import CameraConfig, LineConfig, ZoneConfig

Remark = tuple[Path, str]
_Record = TypeVar("_Record", LensFile, AuditFile)


@dataclass(slots=True)
class Survey:
    """A configuration with its calibration files read in; `faults` must be mended, `notes` should be known."""

    config: EdgeConfig
    own_zones: int
    own_lines: int
    faults: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    views: dict[str, BaseGeometry] = field(default_factory=dict)
    """What each floor camera sees, plan metres."""
    at_most: dict[str, BaseGeometry] = field(default_factory=dict)
    """The same of cameras of which only a bound is known."""

    def place(self, path: Path) -> Path:
        """Where a person finds it: a zone or line that came from the plan file is not in this one."""
        if len(path) > 1 and isinstance(path[1], int):
            own = {"zones": self.own_zones, "lines": self.own_lines}.get(str(path[0]), path[1] + 1)
            if path[1] >= own:
                return ("plan",)
        return path


def survey(config: EdgeConfig) -> Survey:
    """Read every calibration file that is named."""
    found = Survey(config, len(config.zones), len(config.lines))
    cameras = tuple(_camera(index, camera, found) for index, camera in enumerate(config.cameras))
    found.config = config.model_copy(update={"cameras": cameras})
    seen = _seen(found, found.views)
    plan = _plan(found)
    if plan is not None:
        _add(found, plan, seen)
    if seen is not None:
        _in_view(found, seen)
    elif (bound := _seen(found, found.at_most | found.views)) is not None:
        _in_view(found, bound, doubtful=True)
    return found


def _camera(index: int, camera: CameraConfig, found: Survey) -> CameraConfig:
    path: Path = ("cameras", index)
    lens = _read(read_lens, camera, "lens", path, found)
    _read(read_audit, camera, "audit", path, found)
    if camera.calibration is None:
        _bare(camera, lens, found)
        if camera.role == "floor" and camera.homography is None:
            text = "not calibrated: its people are not placed; run `python -m calibration floor`, name its file here"
            found.notes.append((path, text))
        return camera
    try:
        file = read_floor(camera.calibration)
        _same_camera(camera.id, file.camera)
    except CalibrationError as error:
        found.faults.append(((*path, "calibration"), str(error)))
        return camera
    return _calibrated(path, camera, file, found)


def _read(
    reader: Callable[[File], _Record], camera: CameraConfig, name: str, path: Path, found: Survey
) -> _Record | None:
    file = getattr(camera, name)
    if file is None:
        return None
    try:
        read = reader(file)
        _same_camera(camera.id, read.camera)
    except CalibrationError as error:
        found.faults.append(((*path, name), str(error)))
        return None
    return read


def _bare(camera: CameraConfig, lens: LensFile | None, found: Survey) -> None:
    view = bare_view(camera, lens) if camera.role == "floor" else None
    if view is not None:
        (found.views if view.exact else found.at_most)[camera.id] = view.area


def _calibrated(path: Path, camera: CameraConfig, file: FloorFile, found: Survey) -> CameraConfig:
    if file.verdict != "VALID":
        why = "; ".join(file.reasons) or file.verdict
        found.notes.append(
            ((*path, "calibration"), f"{file.verdict}: {why}; its events say that they are uncalibrated")
        )
    try:
        view = file.view()
        if view is not None:
            found.views[camera.id] = view.area()
    except CalibrationError as error:
        found.faults.append(((*path, "calibration"), str(error)))
    changes: dict[str, object] = {
        "homography": file.homography,
        "calibrated": camera.calibrated and file.verdict == "VALID",
    }
    if file.lane is not None and camera.lane is None and camera.role == "entrance":
        changes["lane"] = file.lane
    return camera.model_copy(update=changes)


def _same_camera(wanted: str, told: str) -> None:
    if told != wanted:
        raise CalibrationError(f"this file is about camera {told!r}, not {wanted!r}")


def _seen(found: Survey, views: Mapping[str, BaseGeometry]) -> BaseGeometry | None:
    """What the floor cameras see together; None while the view of one of them is not known."""
    floor = [camera for camera in found.config.cameras if camera.role == "floor" and camera.homography is not None]
    if not floor or any(camera.id not in views for camera in floor):
        return None
    return shapely.union_all([views[camera.id] for camera in floor])


def _plan(found: Survey) -> PlanFile | None:
    if found.config.plan is None:
        return None
    try:
        return read_plan(found.config.plan)
    except CalibrationError as error:
        found.faults.append((("plan",), str(error)))
        return None


def _add(found: Survey, plan: PlanFile, seen: BaseGeometry | None) -> None:
    """The plan is of the whole store: what this node's cameras do not see is left to other nodes, and said."""
    config = found.config
    zones = [zone for zone in plan.zones if seen is None or not _unseen_zone(zone, seen)]
    lines = [line for line in plan.lines if seen is None or not _unseen_line(line, seen)]
    left = [zone.id for zone in plan.zones if zone not in zones] + [line.id for line in plan.lines if line not in lines]
    if left:
        found.notes.append((("plan",), f"no calibrated camera of this node sees {', '.join(left)}: left out here"))
    found.config = config.model_copy(
        update={
            "zones": (*config.zones, *(ZoneConfig(**zone.model_dump(exclude_none=True)) for zone in zones)),
            "lines": (*config.lines, *(LineConfig(**line.model_dump()) for line in lines)),
        }
    )


def _unseen_zone(zone: PlanZone, seen: BaseGeometry) -> bool:
    return any(one.word == "outside_view" for one in zone_view_findings((), zone.polygon, seen))


def _unseen_line(line: PlanLine, seen: BaseGeometry) -> bool:
    return any(one.word == "line_outside_view" for one in line_findings([line], seen))


def _in_view(found: Survey, seen: BaseGeometry, *, doubtful: bool = False) -> None:
    for finding in _view_findings(found.config, seen):
        place = found.place(finding.place)
        name = "" if place == finding.place else f"{_name(found.config, finding)}: "
        (found.notes if finding.warning or doubtful else found.faults).append((place, name + str(finding)))


def _view_findings(config: EdgeConfig, seen: BaseGeometry) -> Iterator[Finding]:
    for index, zone in enumerate(config.zones):
        yield from zone_view_findings(("zones", index, "polygon"), zone.polygon, seen)
    yield from (one for one in line_findings(config.lines, seen) if one.word == "line_outside_view")


def _name(config: EdgeConfig, finding: Finding) -> str:
    section, index = finding.place[:2]
    items = config.zones if section == "zones" else config.lines
    return f"{str(section)[:-1]} {items[int(index)].id!r}"
