"""What the kiosk asks of the node it runs in."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Literal, Protocol

from edge.checkin import Accepted, Refused
from edge.config.vision import Mode, RecognitionConfig
from edge.kiosk.errors import KioskError
from edge.perception import Perception
from edge.values import Emission, Instant, Vector
from edge.worker import Perceiver

if TYPE_CHECKING:
    from edge.certificate import ThresholdDecision

Conflict = Literal["", "duplicate", "another_face"]
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

    def conflict(self, subject: str, vectors: Sequence[Vector]) -> Conflict:
        """Whether these templates of `subject` are at odds with those in the gallery; empty when they are not."""
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

    def conflict(self, subject: str, vectors: Sequence[Vector]) -> Conflict:
        from edge.enrol import SAME_PERSON

        gallery = self._perception.gallery
        own = [similar for vector in vectors if (similar := gallery.verify(subject, vector)) is not None]
        if own and max(own) < SAME_PERSON:
            return "another_face"
        bar = duplicate_bar(gallery.templates, self._recognition.threshold, self._perception.threshold_in_force())
        return "duplicate" if any(gallery.resembles(vector, subject) >= bar for vector in vectors) else ""


def duplicate_bar(templates: int, by_hand: float | None, in_force: ThresholdDecision | None) -> float:
    """Similarity from which a newcomer is taken for somebody enrolled.

    The store's own tail where it is certified, else the general one; and never above what the door names people by,
    for two customers whom the door would mix up must not both be enrolled.
    """
    from edge.certificate import DUPLICATE_FPIR
    from edge.vision.thresholds import default_threshold

    own = None if in_force is None or not in_force.certified else in_force.duplicate_bar
    bar = default_threshold(templates, DUPLICATE_FPIR) if own is None else own
    at_the_door = [value for value in (by_hand, None if in_force is None else in_force.threshold) if value is not None]
    return min([bar, *at_the_door])
