"""What the kiosk asks of the node it runs in."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Protocol

from edge.checkin import Accepted, Refused
from edge.config.vision import Mode, RecognitionConfig
from edge.kiosk.errors import KioskError
from edge.perception import Perception
from edge.values import Emission, Instant, Vector
from edge.worker import Perceiver

_ANSWER_S = 3.0


class Host(Protocol):
    """The node, seen from the kiosk's thread."""

    def mode(self) -> Mode:
        """The granted policy mode: under `qr_only` no face may be enrolled."""
        ...

    def admit(self, text: str) -> Accepted | Refused | None:
        """Who shows this check-in code; it is used up. None when the node cannot check codes. KioskError."""
        ...

    def forget(self, subject: str) -> None:
        """Drop a subject's templates here at once."""
        ...

    def duplicate(self, subject: str, vectors: Sequence[Vector]) -> bool:
        """Whether somebody else in the gallery looks like that."""
        ...


class NodeHost:
    """The real one. Codes are checked on the vision thread, which also guards against their replay at the door."""

    def __init__(self, perception: Perception, recognition: RecognitionConfig) -> None:
        self._perception = perception
        self._recognition = recognition

    def mode(self) -> Mode:
        return self._perception.decision.mode

    def admit(self, text: str) -> Accepted | Refused | None:
        answer: Future[Accepted | Refused | None] = Future()

        def job(vision: Perceiver, now: Instant) -> list[Emission]:
            answer.set_result(vision.admit(text, now))
            return []

        self._perception.submit(job)
        try:
            return answer.result(_ANSWER_S)
        except FutureTimeoutError:
            raise KioskError("no_answer") from None

    def forget(self, subject: str) -> None:
        self._perception.submit(lambda vision, now: vision.withdraw(subject, now))

    def duplicate(self, subject: str, vectors: Sequence[Vector]) -> bool:
        from edge.vision.thresholds import default_threshold

        gallery, chosen = self._perception.gallery, self._recognition.threshold
        bar = default_threshold(gallery.templates, self._recognition.target_fpir) if chosen is None else chosen
        return any(gallery.resembles(vector, subject) >= bar for vector in vectors)
