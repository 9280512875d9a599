"""Reading and writing the YAML files of this package, with errors a person can act on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from calibration.errors import CalibrationError

Record = TypeVar("Record", bound=BaseModel)
_LARGEST = 4_000_000


def read_record(path: Path, model: type[Record]) -> Record:
    """YAML to a model; CalibrationError names the file and the field that is wrong."""
    try:
        if path.stat().st_size > _LARGEST:
            raise CalibrationError(f"{path}: too large for a calibration file")
        return parse_record(path.read_text(encoding="utf-8"), model, str(path))
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CalibrationError(f"{path}: not YAML: {error}") from None


def parse_record(text: str, model: type[Record], name: str) -> Record:
    """The same from text."""
    try:
        body = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise CalibrationError(f"{name}: not YAML: {error}") from None
    try:
        return model.model_validate(body)
    except ValidationError as error:
        problems = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise CalibrationError(f"{name}: " + "; ".join(problems)) from None


def write_record(record: BaseModel) -> dict[str, object]:
    """Plain values for YAML: empty parts left out, times as text."""
    return {
        key: _plain(value) for key, value in record.model_dump(exclude_none=True, by_alias=True).items() if value != ()
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item != ()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def write_text(path: Path, text: str) -> None:
    """Whole or not at all. CalibrationError when it cannot be written."""
    beside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror}", "not_written") from None
