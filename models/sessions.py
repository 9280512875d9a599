"""onnxruntime sessions as an unattended box wants them: one thread, no spinning, clear faults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from models.errors import MisconfiguredError
from models.weights import BUILD_COMMAND

CPU = "CPUExecutionProvider"
ERRORS_ONLY = 3

ORT_ERRORS = (
    ort_state.EPFail,
    ort_state.EngineError,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NoModel,
    ort_state.NoSuchFile,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)
"""What onnxruntime raises; the classes share no base but Exception."""


def session_options() -> onnxruntime.SessionOptions:
    """One thread that sleeps when idle: several cameras share few cores, and spinning starves them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = ERRORS_ONLY
    return options


def usable_providers(wanted: Sequence[str]) -> list[str]:
    """The wanted execution providers this machine has, in order, with the CPU as the last resort."""
    available = onnxruntime.get_available_providers()
    chosen = [provider for provider in wanted if provider in available and provider != CPU]
    return [*chosen, CPU]


def open_session(path: Path, providers: Sequence[str] = (CPU,)) -> onnxruntime.InferenceSession:
    """A session on one weight file. MisconfiguredError names the file when it is missing or unreadable."""
    try:
        return onnxruntime.InferenceSession(str(path), session_options(), providers=usable_providers(providers))
    except ORT_ERRORS as error:
        reason = "is missing" if not path.is_file() else f"cannot be loaded ({error})"
        raise MisconfiguredError(f"weight {path} {reason}; run `{BUILD_COMMAND}`") from error
