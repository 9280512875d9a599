"""Keeps an embedder from remembering faces: what it answered and what it computed on the way can be overwritten.

onnxruntime hands memory out of an arena that it never overwrites, so the last face would lie there until the next one
comes. Answers go straight into an array of ours, whose holder overwrites it; `overwrite` runs the network on a blank
picture over whatever else is left (PRIVACY P2: memory cleared within a second).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime

from models.detections import Floats

_SETTLED = 2
"""Runs until onnxruntime allocates a shape of input always alike: the first one finds out how much it needs."""


class ForgetfulSession:
    """Stands in for an `InferenceSession` with one input and one float32 output NxD. One thread."""

    def __init__(self, session: onnxruntime.InferenceSession, width: int) -> None:
        self._session = session
        self._width = width
        self._settled: set[tuple[int, ...]] = set()
        self._used: tuple[str, set[tuple[int, ...]]] = ("", set())

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def run(self, names: Sequence[str], feeds: Mapping[str, Floats]) -> list[Floats]:
        """As `InferenceSession.run`."""
        ((name, blob),) = feeds.items()
        if blob.shape not in self._settled:
            self._settled.add(blob.shape)
            for _ in range(_SETTLED):
                self._run(names[0], name, np.zeros_like(blob))
        self._used = (names[0], self._used[1] | {blob.shape})
        return [self._run(names[0], name, blob)]

    def overwrite(self) -> None:
        """Run on a blank picture where a face was since the last time; nothing when there was none."""
        answer, shapes = self._used
        self._used = ("", set())
        for shape in shapes:
            self._run(answer, self._session.get_inputs()[0].name, np.zeros(shape, np.float32))

    def _run(self, answer_name: str, input_name: str, blob: Floats) -> Floats:
        answer = np.empty((len(blob), self._width), np.float32)
        binding = self._session.io_binding()
        binding.bind_cpu_input(input_name, blob)
        binding.bind_output(answer_name, "cpu", 0, np.float32, answer.shape, answer.ctypes.data)
        self._session.run_with_iobinding(binding)
        return answer
