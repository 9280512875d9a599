"""The visits of this store as this node knows them: who checked in or was recognised, and which floor track that is.

Pure: times come in, events come out. Strangers, unrecognisable and refused people never appear here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from contract.events import Method, VisitEnded, VisitIdentified, VisitStarted
from edge.attachment import Pending, Place, Trails
from edge.config.vision import VisitsConfig
from edge.geometry import distance
from edge.values import Decision, Emission, FloorPosition, Instant

QR_CONFIDENCE = 0.95
"""The phone's key signed it. Confidences are an order for people to read, not probabilities."""
CLAIMED_CONFIDENCE = 0.9
"""QR shown, face still to come (mode verify)."""
UNCONFIRMED_CONFIDENCE = 0.7
MISMATCH_CONFIDENCE = 0.5
VERIFIED_CONFIDENCE = 0.99
_STILL_THERE_S = 1.0
_ELSEWHERE_M = 2.0
"""Beyond the device's radius: a visit recognised here while its track stands that far away has the wrong track."""


@dataclass(slots=True)
class Visit:
    """A live visit. Times are monotonic."""

    id: str
    subject: str
    method: Method
    device: str
    started: float
    last_seen: float
    first_usable: Instant
    stage: Literal["provisional", "final"] | None = None
    track: str | None = None
    claim_until: float | None = None
    mismatched: bool = False


@dataclass(slots=True)
class VisitCounts:
    """How identities met the floor, since the start."""

    started: int = 0
    continued: int = 0
    retracted: int = 0
    attached: int = 0
    unattached: int = 0
    ambiguous: int = 0
    identity_lost: int = 0
    identity_doubted: int = 0
    """Of those lost: dropped because the track might have become somebody else's."""


@dataclass(frozen=True, slots=True)
class _FaceTrack:
    device: str
    track: int


class VisitBook:
    """One for the node; all cameras and scanners write into it, from one thread."""

    def __init__(self, settings: VisitsConfig, new_id: Callable[[], str]) -> None:
        self._settings = settings
        self._new_id = new_id
        self._visits: dict[str, Visit] = {}
        self._by_subject: dict[str, str] = {}
        self._by_track: dict[str, str] = {}
        self._by_face: dict[_FaceTrack, str] = {}
        self._pending: list[Pending] = []
        self._suspended: frozenset[str] = frozenset()
        self._trails = Trails(settings.attach_window_s + settings.pending_s)
        self.counts = VisitCounts()

    def visit_of(self, track: str) -> str | None:
        """The visit a floor track belongs to; None while that is in doubt, and of people of the house."""
        visit = self._visits.get(self._by_track.get(track, ""))
        return None if visit is None or track in self._suspended or visit.method == "staff" else visit.id

    def staff(self) -> frozenset[str]:
        """Floor tracks that carry a badge."""
        return frozenset(track for track, visit in self._by_track.items() if self._visits[visit].method == "staff")

    def tracks(self) -> tuple[str, ...]:
        """Floor tracks that carry an identity."""
        return tuple(self._by_track)

    def at(self, place: Place, now: Instant) -> str | None:
        """The visit of the person at a device: the only track within its radius, if that one is identified."""
        if place.position is None:
            return None
        recent = (self._trails.last(track) for track in self._trails.live())
        near = [
            position.track
            for position in recent
            if position is not None
            and now.monotonic - position.seen_at <= _STILL_THERE_S
            and distance(position.point, place.position) <= place.radius_m
        ]
        return self.visit_of(near[0]) if len(near) == 1 else None

    def live(self) -> tuple[Visit, ...]:
        """Visits that have not ended."""
        return tuple(self._visits.values())

    def checked_in(self, subject: str, place: Place, now: Instant, claim_s: float | None = None) -> list[Emission]:
        """A valid QR check-in. `claim_s`: the face may confirm it for that long (mode verify)."""
        visit, emitted = self._open(subject, "qr", place, now, now)
        visit.method = "qr"
        visit.mismatched = False
        visit.claim_until = None if claim_s is None else now.monotonic + claim_s
        if claim_s is None:
            emitted += self._identify(visit, "final", QR_CONFIDENCE, 0.0, place.device, now)
        else:
            emitted += self._identify(visit, "provisional", CLAIMED_CONFIDENCE, 0.0, place.device, now)
        self._seek_track(visit, place, now.monotonic)
        return emitted

    def badged(self, badge: str, place: Place, now: Instant) -> None:
        """Somebody of the house showed a badge: a visit that is told to nobody, and only takes its track out of all
        counting. One badge is on one track: shown anew elsewhere, it moves."""
        visit, _ = self._open(f"staff {badge}", "staff", place, now, now)
        self._seek_track(visit, place, now.monotonic)

    def decided(self, decision: Decision, place: Place, now: Instant) -> list[Emission]:
        """A face decision of a camera at `place`."""
        if decision.visit is not None:
            return self._verified(decision, place, now)
        face = _FaceTrack(place.device, decision.track)
        earlier = self._visits.get(self._by_face.pop(face, ""))
        emitted: list[Emission] = []
        if earlier is not None and earlier.subject != decision.subject:
            emitted += self._retract(earlier, place, now)
        if decision.outcome != "known" or decision.subject is None:
            return emitted
        usable = decision.first_usable or now
        if earlier is not None and earlier.subject == decision.subject:
            visit = earlier
            visit.last_seen = max(visit.last_seen, now.monotonic)
        else:
            visit, opened = self._open(decision.subject, "face", place, usable, now)
            emitted += opened
        emitted += self._identify(visit, decision.stage, decision.confidence, decision.margin, place.device, now)
        if decision.stage == "provisional":
            self._by_face[face] = visit.id
        if earlier is not visit:
            self._seek_track(visit, place, usable.monotonic)
        return emitted

    def floor(
        self,
        positions: Iterable[FloorPosition],
        ended: Iterable[str],
        now: Instant,
        *,
        doubted: Iterable[str] = (),
        suspended: frozenset[str] = frozenset(),
    ) -> None:
        """Tracks seen now. One that ended takes its identity with it; one that is `doubted` goes on without.

        A `suspended` one may turn out to be somebody else: nothing is told of its visit until that is settled.
        """
        seen = tuple(positions)
        self._suspended = suspended
        for track in doubted:
            self.counts.identity_doubted += 1
            self._detach(track)
        for track in ended:
            self._trails.forget(track)
            self._detach(track)
        self._trails.add(seen)
        for position in seen:
            visit = self._visits.get(self._by_track.get(position.track, ""))
            if visit is not None:
                visit.last_seen = max(visit.last_seen, position.seen_at)
            for pending in self._pending:
                pending.notice(position, self._settings.attach_window_s)
        self._settle(now)

    def left(self, track: str, now: Instant) -> list[Emission]:
        """A floor track crossed an entrance line outwards."""
        visit = self._visits.get(self._by_track.get(track, ""))
        return [] if visit is None or track in self._suspended else self._end(visit, "exit", now)

    def exited(self, visit: str | None, now: Instant) -> list[Emission]:
        """The same, of a visit that was on a track when it crossed."""
        live = self._visits.get(visit or "")
        return [] if live is None else self._end(live, "exit", now)

    def withdrawn(self, subject: str, now: Instant) -> list[Emission]:
        """The subject is to be forgotten."""
        visit = self._visits.get(self._by_subject.get(subject, ""))
        return [] if visit is None else self._end(visit, "withdrawn", now)

    def claims(self, now: Instant) -> tuple[Visit, ...]:
        """Check-ins that still wait for a face, newest last."""
        return tuple(v for v in self._visits.values() if v.claim_until is not None and v.claim_until >= now.monotonic)

    def tick(self, now: Instant) -> list[Emission]:
        """End visits nobody has been seen in, and claims no face came for."""
        self._settle(now)
        emitted: list[Emission] = []
        for visit in list(self._visits.values()):
            if visit.claim_until is not None and now.monotonic > visit.claim_until:
                visit.claim_until = None
                confidence = MISMATCH_CONFIDENCE if visit.mismatched else UNCONFIRMED_CONFIDENCE
                emitted += self._identify(visit, "final", confidence, 0.0, visit.device, now)
            if now.monotonic - visit.last_seen >= self._settings.silence_s:
                emitted += self._end(visit, "silence", now)
        return emitted

    def shutdown(self, now: Instant) -> list[Emission]:
        """End everything."""
        return [event for visit in list(self._visits.values()) for event in self._end(visit, "shutdown", now)]

    def _open(
        self, subject: str, method: Method, place: Place, usable: Instant, now: Instant
    ) -> tuple[Visit, list[Emission]]:
        """The subject's live visit, or a new one."""
        visit = self._visits.get(self._by_subject.get(subject, ""))
        if visit is not None:
            self.counts.continued += 1
            visit.last_seen = max(visit.last_seen, now.monotonic)
            return visit, []
        visit = Visit(self._new_id(), subject, method, place.device, now.monotonic, now.monotonic, usable)
        self._visits[visit.id] = visit
        self._by_subject[subject] = visit.id
        self.counts.started += 1
        started = VisitStarted(visit=visit.id, method=method, device=place.device, at=now.wall, position=place.position)
        return visit, [started]

    def _identify(
        self,
        visit: Visit,
        stage: Literal["provisional", "final"],
        confidence: float,
        margin: float,
        device: str,
        now: Instant,
    ) -> list[Emission]:
        """Told once for each stage: a final word is not followed by anything but a retraction."""
        if visit.stage == "final" or visit.stage == stage:
            return []
        visit.stage = stage
        return [
            VisitIdentified(
                visit=visit.id,
                subject=visit.subject,
                method=visit.method,
                device=device,
                stage=stage,
                confidence=round(confidence, 4),
                margin=round(margin, 4),
                first_usable_at=visit.first_usable.wall,
                at=now.wall,
            )
        ]

    def _verified(self, decision: Decision, place: Place, now: Instant) -> list[Emission]:
        visit = self._visits.get(decision.visit or "")
        if visit is None or visit.claim_until is None:
            return []
        if decision.outcome != "known":
            visit.mismatched = visit.mismatched or decision.outcome == "stranger"
            return []
        visit.claim_until = None
        visit.last_seen = now.monotonic
        return self._identify(visit, "final", VERIFIED_CONFIDENCE, decision.margin, place.device, now)

    def _retract(self, visit: Visit, place: Place, now: Instant) -> list[Emission]:
        """A provisional word that more pictures did not bear out. What a QR code proved stays."""
        if visit.stage != "provisional" or visit.method != "face":
            return []
        self.counts.retracted += 1
        retracted = VisitIdentified(
            visit=visit.id,
            subject=visit.subject,
            method=visit.method,
            device=place.device,
            stage="final",
            outcome="retracted",
            confidence=0.0,
            first_usable_at=visit.first_usable.wall,
            at=now.wall,
        )
        return [retracted, *self._end(visit, "withdrawn", now)]

    def _end(
        self, visit: Visit, reason: Literal["exit", "silence", "shutdown", "withdrawn"], now: Instant
    ) -> list[Emission]:
        del self._visits[visit.id]
        self._by_subject.pop(visit.subject, None)
        if visit.track is not None:
            self._by_track.pop(visit.track, None)
        self._pending = [pending for pending in self._pending if pending.visit != visit.id]
        self._by_face = {face: owner for face, owner in self._by_face.items() if owner != visit.id}
        if visit.method == "staff":
            return []
        duration = max(0.0, visit.last_seen - visit.started)
        return [VisitEnded(visit=visit.id, reason=reason, duration_s=round(duration, 3), at=now.wall)]

    def _seek_track(self, visit: Visit, place: Place, at: float) -> None:
        """Look for the floor track of somebody who is at `place` at monotonic `at`."""
        if visit.track is not None:
            where = self._trails.last(visit.track)
            if where is None or place.position is None:
                return
            if distance(where.point, place.position) <= place.radius_m + _ELSEWHERE_M:
                return
            self._detach(visit.track)
        self._pending = [pending for pending in self._pending if pending.visit != visit.id]
        pending = Pending(visit.id, place, at)
        for position in self._trails.recent():
            pending.notice(position, self._settings.attach_window_s)
        self._pending.append(pending)

    def _settle(self, now: Instant) -> None:
        """Attach what has become clear, give up what has waited too long."""
        waiting: list[Pending] = []
        for pending in self._pending:
            free = {track for track in self._trails.live() if track not in self._by_track}
            track = pending.choose(free, now.monotonic, self._settings.attach_window_s)
            if track is not None:
                self._visits[pending.visit].track = track
                self._by_track[track] = pending.visit
                self.counts.attached += 1
            elif now.monotonic - pending.at < self._settings.pending_s:
                waiting.append(pending)
            elif pending.crowded(free):
                self.counts.ambiguous += 1
            else:
                self.counts.unattached += 1
        self._pending = waiting

    def _detach(self, track: str) -> None:
        visit = self._visits.get(self._by_track.pop(track, ""))
        if visit is not None:
            visit.track = None
            self.counts.identity_lost += 1
