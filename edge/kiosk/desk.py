"""What happens at the kiosk, without HTTP: one person at a time, step by step. One thread calls it."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from contract.checkin import is_checkin
from contract.clock import Clock
from contract.events import PURPOSES, Purpose
from edge.checkin import Accepted, Refused
from edge.config.kiosk import KioskConfig, Language
from edge.config.model import EdgeConfig
from edge.consent import Consent, read_text, record_enrolment, record_withdrawal
from edge.errors import NodeError
from edge.kiosk import session as sessions
from edge.kiosk.errors import KioskError
from edge.kiosk.host import Conflict, Host
from edge.kiosk.pictures import decode_picture
from edge.kiosk.rates import StartLimit
from edge.kiosk.session import Session, Step
from edge.values import Image, Instant

if TYPE_CHECKING:
    from edge.kiosk.studio import FaceStudio

log = logging.getLogger(__name__)
T = TypeVar("T")

PICTURE_PERIOD_S = 0.2
"""Pictures that come sooner are not looked at."""
_TIMELY = frozenset({"expired", "replayed", "before_start", "clock_went_back", "from_the_future"})
"""Refusals that a fresh code mends."""
_CONFLICTS: Mapping[Conflict, str] = {
    "duplicate": "the face resembles another customer",
    "another_face": "the code belongs to a customer who is enrolled with another face",
}
_NOBODY = frozenset({"no_face", "dark"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page shows next. `hint` is a word it has a text for; `pose` the one to take; `progress` 0..1."""

    step: Step
    hint: str = ""
    pose: str = ""
    progress: float = 0.0


class Desk:
    """`open_studio` loads the face models; it is called when they are needed, never under `qr_only`."""

    def __init__(
        self,
        config: EdgeConfig,
        kiosk: KioskConfig,
        host: Host,
        clock: Clock,
        open_studio: Callable[[EdgeConfig], FaceStudio] | None = None,
    ) -> None:
        self._config = config
        self._kiosk = kiosk
        self._host = host
        self._clock = clock
        self._open_studio = open_studio or _open_studio
        self._starts = StartLimit()
        self._session: Session | None = None
        self._studio: FaceStudio | None = None
        self.texts: Mapping[Language, bytes] = {
            language: _readable(read_text(path, f"kiosk.consent.{language}"), f"kiosk.consent.{language}: {path}")
            for language, path in kiosk.consent.items()
        }

    @property
    def faces_allowed(self) -> bool:
        """Whether the policy in force lets anybody enrol."""
        return self._host.mode() != "qr_only"

    @property
    def occupied(self) -> bool:
        """Whether a person is at the kiosk."""
        return self._session is not None

    def start(self, purpose: sessions.Purpose, language: Language, cookie: str, address: str) -> Session:
        """A new person steps up. The browser that has the kiosk may begin anew; another one waits."""
        self.sweep()
        if self._session is not None and not hmac.compare_digest(self._session.cookie, cookie):
            raise KioskError("busy")
        self.clear()
        now = self._clock.monotonic()
        if not self._starts.admit(address, now):
            raise KioskError("too_many")
        if purpose == "enrol" and not self.faces_allowed:
            raise KioskError("policy")
        if language not in self.texts:
            raise KioskError("consent_changed")
        first: Step = "consent" if purpose == "enrol" else "code"
        self._session = Session(purpose, language, now, now, first)
        return self._session

    def find(self, cookie: str, csrf: str) -> Session:
        """The session of this browser. KioskError when it is over, or the request was not made by our page."""
        self.sweep()
        session = self._session
        if session is None or not hmac.compare_digest(session.cookie.encode(), cookie.encode()):
            raise KioskError("expired")
        if not hmac.compare_digest(session.csrf.encode(), csrf.encode()):
            raise KioskError("forbidden")
        return session

    def agree(self, session: Session, purposes: Collection[Purpose], text_sha256: str) -> Answer:
        """Consent, purpose by purpose, to the text that was on the screen."""
        _at(session, "consent")
        text = self.texts[session.language]
        if hashlib.sha256(text).hexdigest() != text_sha256:
            raise KioskError("consent_changed")
        if "identify" not in purposes:
            raise KioskError("identify_needed")
        chosen = frozenset(purpose for purpose in PURPOSES if purpose in purposes)
        consent = Consent(text, self._kiosk.consent_version, chosen, "kiosk")
        session.consent = consent.given(self._clock)
        return self._go(session, "code")

    def picture(self, session: Session, raw: bytes) -> Answer:
        """One picture of the tablet's camera: a code to read, or a face to look at. Wiped before this returns."""
        _at(session, "code", "poses")
        now = self._clock.monotonic()
        if now - session.pictured < PICTURE_PERIOD_S:
            raise KioskError("too_fast")
        session.pictured = now
        image = decode_picture(raw)
        try:
            return self._code(session, image) if session.step == "code" else self._face(session, image)
        finally:
            image.fill(0)

    def confirm(self, session: Session) -> Answer:
        """The withdrawal is meant."""
        _at(session, "confirm")
        subject = _known(session.subject)
        try:
            record_withdrawal(self._config, subject, self._clock)
        except NodeError as error:
            log.error("kiosk: a withdrawal could not be saved: %s", error)
            raise KioskError("not_saved") from None
        self._host.forget(subject)
        log.info("kiosk: a withdrawal was recorded")
        return self._finish("done")

    def sweep(self) -> None:
        """Wipe what a person left behind, and let the models go when nobody enrols."""
        session = self._session
        if session is not None and session.expired(self._clock.monotonic(), self._kiosk.idle_s):
            log.info("kiosk: the session ended by itself")
            self.clear()
        if self._session is None:
            self._studio = None

    def clear(self) -> None:
        """Forget the person who is here, if any."""
        if self._session is not None:
            self._session.wipe()
        self._session = None

    def _code(self, session: Session, image: Image) -> Answer:
        now = Instant(self._clock.monotonic(), self._clock.now())
        text = next(iter(session.reader.step(image, now)), None)
        if text is None:
            return Answer("code")
        session.touched = now.monotonic
        if not is_checkin(text):
            return Answer("code", "code_other")
        judged = self._host.admit(text)
        if isinstance(judged, Accepted):
            session.subject = judged.subject
            return self._go(session, "poses" if session.purpose == "enrol" else "confirm")
        session.codes_refused += 1
        if session.codes_refused >= sessions.MOST_CODES:
            return self._finish("refused", "too_many_codes")
        fresh = isinstance(judged, Refused) and judged.reason in _TIMELY
        return Answer("code", "code_old" if fresh else "code_bad")

    def _face(self, session: Session, image: Image) -> Answer:
        if not self.faces_allowed:
            self.clear()
            raise KioskError("policy")
        studio = self._studio = self._studio or self._open_studio(self._config)
        if session.guide is None:
            from edge.kiosk.guide import Guide

            session.guide = Guide()
        hint = studio.see(image, session.guide)
        if hint not in _NOBODY:
            session.touched = self._clock.monotonic()
        if session.guide.wanted is None:
            return self._enrol(session, studio)
        return Answer("poses", hint, session.guide.wanted, session.guide.progress)

    def _enrol(self, session: Session, studio: FaceStudio) -> Answer:
        subject, consent = _known(session.subject), _known(session.consent)
        vectors = [] if session.guide is None else session.guide.vectors()
        conflict = self._host.conflict(subject, vectors)
        if conflict:
            log.warning("kiosk: an enrolment was refused for a human to resolve: %s", _CONFLICTS[conflict])
            return self._finish("refused", conflict)
        try:
            templates = record_enrolment(self._config, subject, vectors, consent, studio.embedder, self._clock)
        except NodeError as error:
            log.error("kiosk: an enrolment could not be saved: %s", error)
            self.clear()
            raise KioskError("not_saved") from None
        log.info("kiosk: a customer was enrolled with %d templates", templates)
        return self._finish("done")

    def _go(self, session: Session, step: Step) -> Answer:
        session.step = step
        session.touched = self._clock.monotonic()
        return Answer(step, pose="straight" if step == "poses" else "")

    def _finish(self, step: Step, hint: str = "") -> Answer:
        self.clear()
        return Answer(step, hint, progress=1.0 if step == "done" else 0.0)


def _open_studio(config: EdgeConfig) -> FaceStudio:
    from edge.kiosk.studio import open_studio

    return open_studio(config)


def _readable(text: bytes, what: str) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise NodeError(f"{what}: is not UTF-8 text") from None
    return text


def _at(session: Session, *steps: Step) -> None:
    if session.step not in steps:
        raise KioskError("wrong_step")


def _known(value: T | None) -> T:
    if value is None:
        raise KioskError("wrong_step")
    return value
