"""Reads the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from edge.config.checks import Finding, findings
from edge.config.explain import problems_of
from edge.config.lines import Lined, parse
from edge.config.model import EdgeConfig
from edge.config.problems import ConfigError, Problem
from edge.config.survey import survey
from edge.config.vision import CameraConfig
from hardware.cameras.options import FileOptions


def load_config(path: Path) -> EdgeConfig:
    """Read, check and resolve a configuration file. ConfigError lists everything that is wrong with it."""
    return examine_config(path)[0]


def examine_config(path: Path) -> tuple[EdgeConfig, list[Problem]]:
    """The same, and what is not wrong but should be known."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"can not be read: {error.strerror}; name an existing YAML file with --config"
        raise ConfigError([Problem((), 0, message, str(path))]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem((), 0, "is not UTF-8 text", str(path))]) from None
    config, lined = _read(text, path.name)
    _check(_twofold(config), lined, path.name)
    surveyed = survey(_resolved(config, path.resolve().parent))
    faults = [*surveyed.faults, *((surveyed.place(place), text) for place, text in findings(surveyed.config))]
    _check(faults, lined, path.name)
    return surveyed.config, [_problem(note, lined, path.name) for note in surveyed.notes]


def parse_config(text: str, file: str = "configuration") -> EdgeConfig:
    """Text to configuration; paths in it are left as written, so that no calibration file is read."""
    config, lined = _read(text, file)
    _check([*_twofold(config), *findings(config)], lined, file)
    return config


def _read(text: str, file: str) -> tuple[EdgeConfig, Lined]:
    lined = parse(text, file)
    try:
        return EdgeConfig.model_validate(_text_keys(lined.data)), lined
    except ValidationError as error:
        raise ConfigError(problems_of(error, lined, EdgeConfig, file)) from None


def _check(found: Iterable[Finding], lined: Lined, file: str) -> None:
    problems = [_problem(one, lined, file) for one in found]
    if problems:
        raise ConfigError(problems)


def _twofold(config: EdgeConfig) -> Iterator[Finding]:
    for index, camera in enumerate(config.cameras):
        if camera.calibration is not None and camera.homography is not None:
            yield ("cameras", index, "homography"), "`calibration` gives it already; keep one of them"


def _problem(found: tuple[tuple[str | int, ...], str], lined: Lined, file: str) -> Problem:
    path = tuple(part for name in found[0] for part in (name.split(".") if isinstance(name, str) else (name,)))
    return Problem(path, lined.line(path), found[1], file)


def _text_keys(value: object) -> object:
    """A key that YAML reads as a number or a truth value (`1:`, `on:`) is text to us, as in the line map."""
    if isinstance(value, dict):
        return {str(key): _text_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_text_keys(item) for item in value]
    return value


def _resolved(config: EdgeConfig, folder: Path) -> EdgeConfig:
    """Relative paths are relative to the file, so that the node may be started from anywhere."""

    def absolute(path: Path | None) -> Path | None:
        return None if path is None else folder / path.expanduser()

    broker = config.broker
    if broker is not None:
        files = {name: absolute(getattr(broker, name)) for name in ("password_file", "ca", "cert", "key")}
        broker = broker.model_copy(update=files)
    models, kiosk, recognition = config.models, config.kiosk, config.recognition
    if kiosk is not None:
        texts = {language: folder / path.expanduser() for language, path in kiosk.consent.items()}
        kiosk = kiosk.model_copy(update={"consent": texts, "cert": absolute(kiosk.cert), "key": absolute(kiosk.key)})
    return config.model_copy(
        update={
            "state_dir": folder / config.state_dir.expanduser(),
            "broker": broker,
            "kiosk": kiosk,
            "plan": absolute(config.plan),
            "cameras": tuple(_with_files(camera, folder) for camera in config.cameras),
            "policy": config.policy.model_copy(
                update={"document": absolute(config.policy.document), "profile": absolute(config.policy.profile)}
            ),
            "recognition": recognition.model_copy(update={"certificate": absolute(recognition.certificate)}),
            "models": models.model_copy(update={"weights": absolute(models.weights), "pack": absolute(models.pack)}),
        }
    )


def _with_files(camera: CameraConfig, folder: Path) -> CameraConfig:
    files = {"calibration": camera.calibration, "audit": camera.audit, "lens": camera.lens}
    changes: dict[str, object] = {
        name: None if path is None else folder / path.expanduser() for name, path in files.items()
    }
    if isinstance(camera.source, FileOptions):
        source = camera.source.model_copy(update={"path": folder / camera.source.path.expanduser()})
        changes["source"] = source
    return camera.model_copy(update=changes)
