"""Keeps an embedder from remembering faces: what it answered and what it computed on the way can be overwritten.

onnxruntime hands memory out of an arena that it never overwrites, so the last face would lie there until the next one
comes. Picture and answer lie in arrays of ours, tied to the network once, which is cheaper too than doing so for every
face; `overwrite` blanks them and runs the network on a blank picture over whatever else is left (PRIVACY P2: memory
cleared within a second).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime

from models.detections import Floats

_SETTLED = 2
"""Runs until onnxruntime allocates memory always alike: the first one finds out how much it needs."""


class ForgetfulSession:
    """Stands in for an `InferenceSession` with one input Nx3xHxW and one float32 output NxD. One thread."""

    def __init__(self, session: onnxruntime.InferenceSession, width: int) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._picture: Floats = np.zeros((0, 0, 0), np.float32)
        self._answer: Floats = np.zeros(width, np.float32)
        self._used = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def run(self, _names: Sequence[str], feeds: Mapping[str, Floats]) -> list[Floats]:
        """As `InferenceSession.run`; one picture after the other."""
        (blob,) = feeds.values()
        answers = np.empty((len(blob), len(self._answer)), np.float32)
        for row, picture in zip(answers, blob, strict=True):
            self.picture(picture.shape)[:] = picture
            row[:] = self.answer()
        return [answers]

    def picture(self, shape: tuple[int, ...]) -> Floats:
        """Where the next picture is to be written: 3xHxW."""
        if self._picture.shape != shape:
            self._tie(shape)
        self._used = True
        return self._picture

    def answer(self) -> Floats:
        """What the network says of it, D numbers; overwritten by the next answer."""
        self._session.run_with_iobinding(self._binding)
        return self._answer

    def overwrite(self) -> None:
        """Blank everything where a face was since the last time; nothing when there was none."""
        if self._used:
            self._picture.fill(0)
            self.answer().fill(0)
            self._used = False

    def _tie(self, shape: tuple[int, ...]) -> None:
        self._picture = np.zeros(shape, np.float32)
        source, target = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name
        sizes = (1, *shape), (1, len(self._answer))
        self._binding.bind_input(source, "cpu", 0, np.float32, sizes[0], self._picture.ctypes.data)
        self._binding.bind_output(target, "cpu", 0, np.float32, sizes[1], self._answer.ctypes.data)
        for _ in range(_SETTLED):
            self.answer()
