"""What types can not say: shapes that make sense, ids that meet, modes that can work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from shapely import Point, Polygon

from calibration.plan_checks import line_findings, polygon_findings
from edge.config.model import EdgeConfig
from edge.config.problems import Path
from edge.config.vision import CameraConfig, ZoneConfig

Finding = tuple[Path, str]


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


def findings(config: EdgeConfig) -> Iterator[Finding]:
    """Every semantic mistake as (path, message)."""
    yield from _duplicates("cameras", config.cameras)
    yield from _duplicates("scanners", config.scanners)
    yield from _duplicates("zones", config.zones)
    yield from _duplicates("lines", config.lines)
    yield from _duplicates("counters", config.counters)
    yield from _shared_device_ids(config)
    for index, zone in enumerate(config.zones):
        yield from _polygon(("zones", index, "polygon"), zone.polygon, "square metre", 0.01)
        yield from _queue(("zones", index), zone)
    for index, camera in enumerate(config.cameras):
        yield from _camera(("cameras", index), camera, config)
    for index, line in enumerate(config.lines):
        if line.start != line.end and not isinstance(line.inside, str) and _on_line(line.start, line.end, line.inside):
            yield ("lines", index, "inside"), "this point lies on the line itself; choose one inside the shop"
    yield from ((finding.place, str(finding)) for finding in line_findings(config.lines))
    yield from _labels(config)
    yield from _mode(config)


def _duplicates(section: str, items: Sequence[_Identified]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        if item.id in first:
            yield (section, index, "id"), f"{item.id!r} is already the id of {section}[{first[item.id]}]"
        first.setdefault(item.id, index)


def _shared_device_ids(config: EdgeConfig) -> Iterator[Finding]:
    cameras = {camera.id for camera in config.cameras}
    for index, scanner in enumerate(config.scanners):
        if scanner.id in cameras:
            yield ("scanners", index, "id"), f"{scanner.id!r} is a camera's id; devices need ids of their own"


def _polygon(path: Path, points: Sequence[tuple[float, float]], unit: str, least: float) -> Iterator[Finding]:
    yield from ((path, str(finding)) for finding in polygon_findings(path, points, unit, least))


def _queue(path: Path, zone: ZoneConfig) -> Iterator[Finding]:
    if zone.service is None:
        return
    if zone.kind != "queue":
        yield (*path, "service"), f"only a zone of kind queue has one; this is of kind {zone.kind}"
    elif Polygon(zone.polygon).is_valid and Polygon(zone.polygon).distance(Point(zone.service)) > zone.service_m:
        yield (*path, "service"), "lies more than `service_m` from the zone; people are served at the end of the queue"


def _camera(path: Path, camera: CameraConfig, config: EdgeConfig) -> Iterator[Finding]:
    for name, area in (("lane", camera.lane), ("spot", camera.spot)):
        if area is not None:
            yield from _polygon((*path, name), area, "of the picture", 0.0005)
    if camera.lens is not None and (camera.homography is None or camera.calibration is not None):
        yield (*path, "lens"), "only beside a bare `homography`; a `calibration` file holds its own lens"
    if camera.homography is not None:
        matrix = np.asarray(camera.homography, dtype=np.float64)
        scale = float(np.abs(matrix).max())
        if scale == 0 or abs(float(np.linalg.det(matrix / scale))) < 1e-15:
            yield (*path, "homography"), "the matrix is singular; make it with `python -m calibration floor`"
    if camera.role == "floor":
        for name, area in (("lane", camera.lane), ("spot", camera.spot)):
            if area is not None:
                yield (*path, name), "only an entrance camera has one"


def _on_line(start: tuple[float, float], end: tuple[float, float], point: tuple[float, float]) -> bool:
    along = (end[0] - start[0], end[1] - start[1])
    across = along[0] * (point[1] - start[1]) - along[1] * (point[0] - start[0])
    return abs(across) < 1e-6 * float(np.hypot(*along))


def _labels(config: EdgeConfig) -> Iterator[Finding]:
    if config.labels is None:
        return
    zones = {zone.id for zone in config.zones if zone.kind != "staff"}
    addresses: dict[str, int] = {}
    yield from _duplicates("labels.map", config.labels.map)
    for index, label in enumerate(config.labels.map):
        path: Path = ("labels", "map", index)
        if label.zone is not None and label.zone not in zones:
            known = ", ".join(sorted(zones)) or "none"
            yield (*path, "zone"), f"there is no zone {label.zone!r}; zones of this file: {known}"
        if label.address in addresses:
            yield (*path, "address"), f"labels.map[{addresses[label.address]}] has the same address"
        addresses.setdefault(label.address, index)


def _mode(config: EdgeConfig) -> Iterator[Finding]:
    entrances = [(i, camera) for i, camera in enumerate(config.cameras) if camera.role == "entrance"]
    if config.policy.mode == "lane" and entrances and not any(camera.lane for _, camera in entrances):
        yield ("policy", "mode"), "mode lane needs a `lane` polygon on at least one entrance camera"
    if config.policy.mode == "verify" and entrances and not any(camera.spot for _, camera in entrances):
        yield ("policy", "mode"), "mode verify needs a `spot` polygon on at least one entrance camera"
    if config.policy.mode == "open" and config.policy.document is None:
        yield ("policy", "document"), "mode open needs a site policy signed by the operator; name its file here"
    if config.policy.document is not None and (config.trust is None or config.trust.operator_key is None):
        yield ("policy", "document"), "a signed policy needs `trust.operator_key` to be checked with"
    if config.policy.profile is not None and (config.trust is None or config.trust.operator_key is None):
        yield ("policy", "profile"), "a profile of your own needs `trust.operator_key` to be checked with"
