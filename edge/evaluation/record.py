"""Writes down what the face stage does with each track, for scoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.values import Decision, Instant, Track
from models.evaluation.entrance import DecidedTrack, Sighting
from models.evaluation.entrance import Decision as Word

_MOMENT_S = 1e-3


@dataclass(slots=True)
class _Notes:
    start_s: float
    end_s: float
    embedded: list[Sighting] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    path: list[Sighting] = field(default_factory=list)


class TrackRecorder:
    """`edge.vision.ports.TrackWatch`; times count from monotonic 0."""

    def __init__(self) -> None:
        self._notes: dict[int, _Notes] = {}
        self.waits_s: list[float] = []
        """From the pipeline's own first usable face to the first name, one for each named track."""

    def looked(
        self, track: Track, size: tuple[int, int], embedded: Sequence[tuple[float, float]], now: Instant
    ) -> None:
        """A sighting."""
        notes = self._notes.setdefault(track.id, _Notes(now.monotonic, now.monotonic))
        notes.end_s = now.monotonic
        notes.embedded += [_at(middle, size, now) for middle in embedded]
        notes.path.append(_at(track.centre, size, now))

    def decided(self, decision: Decision, now: Instant) -> None:
        """A word about a track."""
        notes = self._notes.get(decision.track)
        if notes is None:
            return
        named = any(word.subject is not None for word in notes.words)
        if decision.subject is not None and decision.first_usable is not None and not named:
            self.waits_s.append(now.monotonic - decision.first_usable.monotonic)
        notes.words.append(Word(now.monotonic, decision.subject))

    def tracks(self) -> list[DecidedTrack]:
        """All tracks so far, each up to its last word: that speaks of whom the track had seen until then, also when
        the track changes over to somebody else later."""
        return [_decided(notes) for notes in self._notes.values()]


def _at(middle: tuple[float, float], size: tuple[int, int], now: Instant) -> Sighting:
    return Sighting(now.monotonic, middle[0] / size[0], middle[1] / size[1])


def _decided(notes: _Notes) -> DecidedTrack:
    end = notes.words[-1].at_s if notes.words else notes.end_s
    path = tuple(point for point in notes.path if point.at_s <= end)
    # Decided at first sight: still a moment long, for a track of no length overlaps nobody.
    end = max(min(end, notes.end_s), notes.start_s + _MOMENT_S)
    return DecidedTrack(notes.start_s, end, tuple(notes.words), len(notes.embedded), path, tuple(notes.embedded))
