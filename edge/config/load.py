"""Reads the file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from edge.config.checks import findings
from edge.config.explain import problems_of
from edge.config.lines import Lined, parse
from edge.config.model import EdgeConfig
from edge.config.problems import ConfigError, Problem
from edge.config.vision import CameraConfig
from hardware.cameras.options import FileOptions


def load_config(path: Path) -> EdgeConfig:
    """Read, check and resolve a configuration file. ConfigError lists everything that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"can not be read: {error.strerror}; name an existing YAML file with --config"
        raise ConfigError([Problem((), 0, message, str(path))]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem((), 0, "is not UTF-8 text", str(path))]) from None
    return _resolved(parse_config(text, path.name), path.resolve().parent)


def parse_config(text: str, file: str = "configuration") -> EdgeConfig:
    """Text to configuration; paths in it are left as written."""
    lined = parse(text, file)
    try:
        config = EdgeConfig.model_validate(_text_keys(lined.data))
    except ValidationError as error:
        raise ConfigError(problems_of(error, lined, EdgeConfig, file)) from None
    problems = [_problem(found, lined, file) for found in findings(config)]
    if problems:
        raise ConfigError(problems)
    return config


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
            "cameras": tuple(_with_file(camera, folder) for camera in config.cameras),
            "policy": config.policy.model_copy(update={"document": absolute(config.policy.document)}),
            "recognition": recognition.model_copy(update={"certificate": absolute(recognition.certificate)}),
            "models": models.model_copy(update={"weights": absolute(models.weights), "pack": absolute(models.pack)}),
        }
    )


def _with_file(camera: CameraConfig, folder: Path) -> CameraConfig:
    if not isinstance(camera.source, FileOptions):
        return camera
    source = camera.source.model_copy(update={"path": folder / camera.source.path.expanduser()})
    return camera.model_copy(update={"source": source})
