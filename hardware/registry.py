"""Driver names, their options and their factories. A driver's libraries load only when it is created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, cast

from pydantic import ValidationError

from contract.clock import Clock
from hardware.cameras import options as camera_options
from hardware.errors import MisconfiguredError
from hardware.labels import options as label_options
from hardware.options import DriverOptions
from hardware.scanners import options as scanner_options

if TYPE_CHECKING:
    from hardware.cameras.base import Camera
    from hardware.labels.base import LabelDriver
    from hardware.scanners.base import Scanner

Kind = Literal["camera", "scanner", "label"]


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """One driver. `factory` is "module:callable", called with (options, clock); `requires` are import names."""

    kind: Kind
    name: str
    summary: str
    options: type[DriverOptions]
    factory: str
    requires: tuple[str, ...]
    page: str

    def missing(self) -> tuple[str, ...]:
        """Import names of packages this driver needs and this machine lacks."""
        return tuple(name for name in self.requires if find_spec(name) is None)


def _camera(name: str, summary: str, options: type[DriverOptions], factory: str) -> DriverInfo:
    page = f"docs/drivers/camera-{name}.md"
    return DriverInfo("camera", name, summary, options, factory, ("cv2", "numpy"), page)


def _scanner(name: str, summary: str, options: type[DriverOptions], factory: str, *requires: str) -> DriverInfo:
    return DriverInfo("scanner", name, summary, options, factory, requires, f"docs/drivers/scanner-{name}.md")


def _label(name: str, summary: str, options: type[DriverOptions], factory: str, *requires: str) -> DriverInfo:
    return DriverInfo("label", name, summary, options, factory, requires, f"docs/drivers/label-{name}.md")


_DRIVERS: tuple[DriverInfo, ...] = (
    _camera("rtsp", "network camera, RTSP", camera_options.RtspOptions, "hardware.cameras.network:open_rtsp"),
    _camera("http", "network camera, MJPEG", camera_options.HttpOptions, "hardware.cameras.network:open_http"),
    _camera("file", "recording", camera_options.FileOptions, "hardware.cameras.file:FileCamera"),
    _camera("webcam", "camera of this machine", camera_options.WebcamOptions, "hardware.cameras.webcam:WebcamCamera"),
    _camera(
        "simulated",
        "moving test card",
        camera_options.SimulatedCameraOptions,
        "hardware.cameras.simulated:open_test_card",
    ),
    _scanner(
        "serial",
        "scanner on a serial port",
        scanner_options.SerialOptions,
        "hardware.scanners.serial_port:SerialScanner",
        "serial",
    ),
    _scanner("hid", "scanner as keyboard", scanner_options.HidOptions, "hardware.scanners.hid:HidScanner"),
    _scanner(
        "simulated",
        "texts in turn",
        scanner_options.SimulatedScannerOptions,
        "hardware.scanners.simulated:from_options",
    ),
    _label(
        "openepaperlink",
        "OpenEPaperLink access point",
        label_options.OpenEpaperLinkOptions,
        "hardware.labels.openepaperlink:OpenEpaperLink",
        "httpx",
        "websockets",
        "PIL",
        "epaper_dithering",
    ),
    _label(
        "simulated",
        "labels in memory",
        label_options.SimulatedLabelOptions,
        "hardware.labels.simulated:from_options",
        "PIL",
    ),
)


def drivers(kind: Kind | None = None) -> tuple[DriverInfo, ...]:
    """Every driver, or those of one kind."""
    return tuple(info for info in _DRIVERS if kind in (None, info.kind))


def find(kind: Kind, name: str) -> DriverInfo:
    """The driver called `name`; MisconfiguredError lists the names there are."""
    for info in drivers(kind):
        if info.name == name:
            return info
    names = ", ".join(info.name for info in drivers(kind))
    raise MisconfiguredError(f"There is no {kind} driver {name!r}", f"Write one of: {names}", option="driver")


def parse(kind: Kind, mapping: Mapping[str, object]) -> DriverOptions:
    """Options out of a plain mapping such as {driver: rtsp, url: ...}; MisconfiguredError names the option."""
    name = mapping.get("driver")
    if not isinstance(name, str):
        names = ", ".join(info.name for info in drivers(kind))
        raise MisconfiguredError(f"The {kind} has no driver", f"Add `driver:` with one of: {names}", option="driver")
    info = find(kind, name)
    try:
        return info.options.model_validate(dict(mapping))
    except ValidationError as error:
        raise _misconfigured(info, error) from None


def _misconfigured(info: DriverInfo, error: ValidationError) -> MisconfiguredError:
    first = error.errors(include_input=False, include_url=False)[0]
    option = ".".join(str(part) for part in first["loc"])
    known = ", ".join(name for name in info.options.model_fields if name != "driver")
    if first["type"] == "extra_forbidden":
        return MisconfiguredError(
            f"{info.kind} driver {info.name} knows no option {option!r}", f"Its options are: {known}", option=option
        )
    return MisconfiguredError(
        f"{info.kind} driver {info.name}, option {option!r}: {first['msg']}", f"See {info.page}", option=option
    )


def create_camera(options: DriverOptions, clock: Clock) -> Camera:
    """A camera, not yet open."""
    return cast("Camera", _create("camera", options, clock))


def create_scanner(options: DriverOptions, clock: Clock) -> Scanner:
    """A scanner, not yet open."""
    return cast("Scanner", _create("scanner", options, clock))


def create_labels(options: DriverOptions, clock: Clock) -> LabelDriver:
    """A label driver, not yet open."""
    return cast("LabelDriver", _create("label", options, clock))


def _create(kind: Kind, options: DriverOptions, clock: Clock) -> object:
    info = find(kind, options.driver)
    if absent := info.missing():
        raise MisconfiguredError(
            f"{kind} driver {info.name} needs packages that are not installed: {', '.join(absent)}",
            "Install the edge extra: pip install '.[edge]'",
            option="driver",
        )
    module, _, factory = info.factory.partition(":")
    make = getattr(import_module(module), factory)
    return make(options, clock)
