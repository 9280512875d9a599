"""The kiosk's steps: who may begin, what each step needs, what is refused, what remains (nothing)."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from numpy.typing import NDArray

from contract.clock import ManualClock
from contract.codec import decode
from contract.events import EnrolmentCompleted, EnrolmentWithdrawn
from edge.checkin import Accepted, Refused
from edge.config import EdgeConfig
from edge.config.connections import TrustConfig
from edge.config.kiosk import KioskConfig
from edge.config.vision import Mode, RecognitionConfig
from edge.errors import NodeError
from edge.gallery import Gallery
from edge.kiosk.desk import Desk
from edge.kiosk.errors import KioskError
from edge.kiosk.guide import Guide
from edge.kiosk.host import Conflict, NodeHost
from edge.kiosk.session import LONGEST_S, MOST_CODES, READING_S, Session
from edge.outbox.store import OutboxStore
from edge.sealing import open_key, open_template
from edge.vision.enrolment import Enrolled, Sight

SUBJECT = "ab" * 16
TEXT = b"I agree to be recognised."
SHA = hashlib.sha256(TEXT).hexdigest()
Vector = NDArray[np.float32]


def unit(seed: int) -> Vector:
    base = np.random.default_rng(0).normal(size=512) + 0.3 * np.random.default_rng(seed).normal(size=512)
    return (base / np.linalg.norm(base)).astype(np.float32)


@dataclass
class FakeHost:
    granted: Mode = "verify"
    codes: dict[str, Accepted | Refused | None] = field(default_factory=lambda: {"VITRINA1.me": Accepted(SUBJECT)})
    found: Conflict = ""
    forgotten: list[str] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)

    def mode(self) -> Mode:
        return self.granted

    def admit(self, text: str) -> Accepted | Refused | None:
        return self.codes.get(text, Refused("forged_certificate"))

    def forget(self, subject: str) -> None:
        self.forgotten.append(subject)

    def conflict(self, subject: str, vectors: Sequence[Vector]) -> Conflict:
        self.compared.append(subject)
        return self.found


class FakeStudio:
    """Sees a face with the next yaw of its list; a word instead of a number is a refusal."""

    embedder = "c" * 64

    def __init__(self, yaws: list[float | str]) -> None:
        self.yaws = yaws
        self.made: list[Vector] = []

    def see(self, picture: NDArray[np.uint8], guide: Guide) -> str:
        yaw = self.yaws.pop(0)
        if isinstance(yaw, str):
            guide.lost()
            return yaw
        return guide.see(Sight((10, 10, 110, 110), np.zeros((5, 2), np.float32), yaw, 0.8), self._embed)

    def _embed(self, _sight: Sight) -> Enrolled:
        self.made.append(unit(len(self.made)))
        return Enrolled(self.made[-1], 0.1 * len(self.made))


ALL_POSES: list[float | str] = [0, 0, 0, 15, 15, -15, -15]


@dataclass
class Kiosk:
    desk: Desk
    host: FakeHost
    clock: ManualClock
    studio: FakeStudio
    state: Path
    sealing: X25519PrivateKey

    def show(self, session: Session, picture: NDArray[np.uint8]) -> tuple[str, str]:
        self.clock.advance(0.25)
        answer = self.desk.picture(session, jpeg(picture))
        return answer.step, answer.hint

    def to_poses(self) -> Session:
        session = self.desk.start("enrol", "en", "", "tablet")
        self.desk.agree(session, ["identify"], SHA)
        assert self.show(session, code("VITRINA1.me"))[0] == "poses"
        return session

    def events(self) -> list[object]:
        store = OutboxStore(self.state / "outbox.db", self.clock)
        rows = store.read(0, 50)
        store.close()
        return [decode(f"vitrina/v1/demo/node1/{row.kind}", row.payload).data for row in rows]


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


def code(text: str) -> NDArray[np.uint8]:
    symbol = np.array([[not dark for dark in row] for row in segno.make(text, micro=False).matrix_iter(border=4)])
    return np.repeat((np.kron(symbol, np.ones((8, 8))) * 255).astype(np.uint8)[:, :, None], 3, axis=2)


BLANK = np.full((240, 320, 3), 128, np.uint8)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Kiosk]:
    def build(yaws: list[float | str] | None = None, **host: object) -> Kiosk:
        sealing = X25519PrivateKey.generate()
        public = base64.b64encode(sealing.public_key().public_bytes_raw()).decode()
        (tmp_path / "en.txt").write_bytes(TEXT)
        state = tmp_path / "state"
        state.mkdir(exist_ok=True)
        kiosk = KioskConfig(listen="127.0.0.1:0", consent={"en": tmp_path / "en.txt"}, consent_version="7")
        trust = TrustConfig(central_signing_key=public, central_sealing_key=public)
        config = EdgeConfig(store="demo", node="node1", state_dir=state, trust=trust, kiosk=kiosk)
        clock, studio, fake = ManualClock(), FakeStudio(list(yaws or ALL_POSES)), FakeHost(**host)  # type: ignore[arg-type]
        desk = Desk(config, kiosk, fake, clock, lambda _config: studio)  # type: ignore[arg-type, return-value]
        return Kiosk(desk, fake, clock, studio, state, sealing)

    return build


def word(call: Callable[[], object]) -> str:
    with pytest.raises(KioskError) as caught:
        call()
    return caught.value.word


def test_three_poses_become_three_sealed_templates_and_nothing_else_remains(
    make: Callable[..., Kiosk], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kiosk = make()
    session = kiosk.to_poses()
    steps = [kiosk.show(session, BLANK) for _ in ALL_POSES]
    assert [hint for _, hint in steps[:-1]] == ["hold_still", "good", "good", "good", "good", "good"]
    assert steps[-1] == ("done", "")
    events = kiosk.events()
    assert len(events) == 3
    for event in events:
        assert isinstance(event, EnrolmentCompleted)
        assert event.consent.text_sha256 == SHA
        assert (event.consent.text_version, event.consent.channel) == ("7", "kiosk")
        assert [name for name, given in event.consent.purposes.items() if given] == ["identify"]
        opened = open_template(
            event.sealed_template, open_key(event.sealed_key, kiosk.sealing), SUBJECT, event.template
        )
        assert float(opened @ unit(1)) > 0.8
    assert all(not vector.any() for vector in kiosk.studio.made), "vectors are wiped"
    assert not kiosk.desk.occupied
    assert session.subject is None
    raw = b"".join(path.read_bytes() for path in kiosk.state.iterdir()) + caplog.text.encode()
    for canary in (unit(number) for number in range(6)):
        assert canary.tobytes()[:64] not in raw
        assert canary.astype(np.float16).tobytes()[:64] not in raw
    assert jpeg(BLANK)[:64] not in raw
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in kiosk.state.iterdir()} <= {"outbox.db"}
    assert SUBJECT not in caplog.text


def test_no_face_is_looked_at_before_consent_and_code(make: Callable[..., Kiosk]) -> None:
    kiosk = make()
    session = kiosk.desk.start("enrol", "en", "", "tablet")
    assert word(lambda: kiosk.desk.picture(session, jpeg(BLANK))) == "wrong_step"
    kiosk.desk.agree(session, ["identify"], SHA)
    assert kiosk.show(session, BLANK) == ("code", "")
    assert kiosk.studio.yaws == ALL_POSES, "the studio has seen nothing"


def test_consent_needs_identify_and_the_text_that_was_shown(make: Callable[..., Kiosk]) -> None:
    kiosk = make()
    session = kiosk.desk.start("enrol", "en", "", "tablet")
    assert word(lambda: kiosk.desk.agree(session, ["profile", "analytics"], SHA)) == "identify_needed"
    assert word(lambda: kiosk.desk.agree(session, ["identify"], "0" * 64)) == "consent_changed"
    assert session.step == "consent"


def test_under_qr_only_nobody_enrols_but_anybody_withdraws(make: Callable[..., Kiosk]) -> None:
    kiosk = make(granted="qr_only")
    assert word(lambda: kiosk.desk.start("enrol", "en", "", "tablet")) == "policy"
    session = kiosk.desk.start("withdraw", "en", "", "tablet")
    assert kiosk.show(session, code("VITRINA1.me")) == ("confirm", "")
    assert kiosk.events() == []
    assert kiosk.desk.confirm(session).step == "done"
    (event,) = kiosk.events()
    assert isinstance(event, EnrolmentWithdrawn)
    assert event.subject == SUBJECT
    assert kiosk.host.forgotten == [SUBJECT]


def test_a_policy_that_changes_meanwhile_ends_the_enrolment(make: Callable[..., Kiosk]) -> None:
    kiosk = make()
    session = kiosk.to_poses()
    kiosk.host.granted = "qr_only"
    assert word(lambda: kiosk.show(session, BLANK)) == "policy"
    assert kiosk.studio.made == []
    assert not kiosk.desk.occupied


@pytest.mark.parametrize("conflict", ["duplicate", "another_face"])
def test_a_conflict_with_the_gallery_is_refused_and_nothing_is_saved(
    make: Callable[..., Kiosk], caplog: pytest.LogCaptureFixture, conflict: Conflict
) -> None:
    kiosk = make(found=conflict)
    session = kiosk.to_poses()
    assert [kiosk.show(session, BLANK) for _ in ALL_POSES][-1] == ("refused", conflict)
    assert kiosk.host.compared == [SUBJECT]
    assert kiosk.events() == []
    assert "human" in caplog.text
    assert all(not vector.any() for vector in kiosk.studio.made)


@pytest.mark.parametrize(
    ("text", "answer", "hint"),
    [
        ("https://example.org/01/04006381333931", None, "code_other"),
        ("VITRINA1.old", Refused("expired"), "code_old"),
        ("VITRINA1.again", Refused("replayed"), "code_old"),
        ("VITRINA1.false", Refused("forged_statement"), "code_bad"),
        ("VITRINA1.keyless", None, "code_bad"),
    ],
)
def test_a_code_that_does_not_do_is_told_apart(
    make: Callable[..., Kiosk], text: str, answer: Refused | None, hint: str
) -> None:
    kiosk = make(codes={text: answer})
    session = kiosk.desk.start("withdraw", "en", "", "tablet")
    assert kiosk.show(session, code(text)) == ("code", hint)
    assert session.subject is None


def test_guessing_codes_ends_the_session(make: Callable[..., Kiosk]) -> None:
    kiosk = make()
    session = kiosk.desk.start("withdraw", "en", "", "tablet")
    answers = [kiosk.show(session, code(f"VITRINA1.guess{n}")) for n in range(MOST_CODES)]
    assert answers[-1] == ("refused", "too_many_codes")
    assert not kiosk.desk.occupied


def test_who_walks_away_is_wiped(make: Callable[..., Kiosk]) -> None:
    kiosk = make(yaws=[0, 0, *["no_face"] * 1000])
    session = kiosk.to_poses()
    kiosk.show(session, BLANK)
    kiosk.show(session, BLANK)
    assert len(kiosk.studio.made) == 1
    for _ in range(500):  # the page goes on sending pictures of an empty room
        kiosk.clock.advance(0.25)
        kiosk.desk.sweep()
        if not kiosk.desk.occupied:
            break
        kiosk.desk.picture(session, jpeg(BLANK))
    assert not kiosk.desk.occupied
    assert not kiosk.studio.made[0].any()
    assert word(lambda: kiosk.desk.find(session.cookie, session.csrf)) == "expired"


def test_reading_the_consent_takes_longer_than_being_idle(make: Callable[..., Kiosk]) -> None:
    kiosk = make()
    session = kiosk.desk.start("enrol", "en", "", "tablet")
    kiosk.clock.advance(READING_S - 1)
    kiosk.desk.agree(kiosk.desk.find(session.cookie, session.csrf), ["identify"], SHA)
    kiosk.clock.advance(121)
    assert word(lambda: kiosk.desk.find(session.cookie, session.csrf)) == "expired"


def test_nobody_keeps_the_kiosk_for_ever(make: Callable[..., Kiosk]) -> None:
    kiosk = make(yaws=["small"] * 10_000)
    session = kiosk.to_poses()
    for _ in range(int(LONGEST_S / 60) + 1):
        kiosk.clock.advance(60)
        kiosk.desk.sweep()
        if kiosk.desk.occupied:
            kiosk.desk.picture(session, jpeg(BLANK))
    assert not kiosk.desk.occupied


def test_one_person_at_a_time_and_a_reload_begins_anew(make: Callable[..., Kiosk]) -> None:
    kiosk = make()
    first = kiosk.to_poses()
    assert word(lambda: kiosk.desk.start("enrol", "en", "", "other")) == "busy"
    assert word(lambda: kiosk.desk.find("", first.csrf)) == "expired"
    assert word(lambda: kiosk.desk.find(first.cookie, "forged")) == "forbidden"
    again = kiosk.desk.start("enrol", "en", first.cookie, "tablet")
    assert first.subject is None
    assert word(lambda: kiosk.desk.find(first.cookie, first.csrf)) == "expired"
    assert kiosk.desk.find(again.cookie, again.csrf) is again


def test_starts_of_one_address_are_limited(make: Callable[..., Kiosk]) -> None:
    kiosk = make()
    cookie = ""
    for _ in range(20):
        cookie = kiosk.desk.start("withdraw", "en", cookie, "tablet").cookie
    assert word(lambda: kiosk.desk.start("withdraw", "en", cookie, "tablet")) == "too_many"
    assert kiosk.desk.start("withdraw", "en", "", "another").step == "code"
    kiosk.desk.clear()
    kiosk.clock.advance(301)
    assert kiosk.desk.start("withdraw", "en", "", "tablet").step == "code"


@pytest.mark.parametrize(
    "raw", [b"", b"GIF89a", b"\xff\xd8junk", b"\xff\xd8" + b"0" * 700_000, jpeg(np.zeros((16, 2100, 3), np.uint8))]
)
def test_what_is_no_picture_is_refused_and_changes_nothing(make: Callable[..., Kiosk], raw: bytes) -> None:
    kiosk = make()
    session = kiosk.to_poses()
    kiosk.clock.advance(1)
    assert word(lambda: kiosk.desk.picture(session, raw)) == "not_a_picture"
    assert session.step == "poses"


def test_pictures_that_come_too_fast_are_not_looked_at(make: Callable[..., Kiosk]) -> None:
    kiosk = make()
    session = kiosk.to_poses()
    assert word(lambda: kiosk.desk.picture(session, jpeg(BLANK))) == "too_fast"
    assert len(kiosk.studio.yaws) == len(ALL_POSES)


def test_a_full_disk_is_said_and_leaves_nothing(make: Callable[..., Kiosk], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> int:
        raise NodeError("no space")

    kiosk = make()
    session = kiosk.to_poses()
    monkeypatch.setattr("edge.kiosk.desk.record_enrolment", full)
    for _ in ALL_POSES[:-1]:
        kiosk.show(session, BLANK)
    assert word(lambda: kiosk.show(session, BLANK)) == "not_saved"
    assert all(not vector.any() for vector in kiosk.studio.made)


def test_a_consent_text_that_cannot_be_read_stops_the_start(make: Callable[..., Kiosk], tmp_path: Path) -> None:
    make()
    (tmp_path / "latin.txt").write_bytes(b"\xe9\xe8")
    for name, said in (("absent.txt", "absent.txt"), ("latin.txt", "UTF-8")):
        kiosk = KioskConfig(listen="127.0.0.1:0", consent={"en": tmp_path / name}, consent_version="1")
        config = EdgeConfig(store="demo", node="node1", state_dir=tmp_path, kiosk=kiosk)
        with pytest.raises(NodeError, match=said):
            Desk(config, kiosk, FakeHost(), ManualClock())


@dataclass
class FakePerception:
    gallery: Gallery

    def threshold_in_force(self) -> None:
        """None: nobody is searched for under verify."""


def test_what_is_at_odds_with_the_gallery() -> None:
    """Another customer's face, or another face under the same code; one's own face again is welcome."""
    gallery = Gallery(searchable=False)
    host = NodeHost(FakePerception(gallery), RecognitionConfig())  # type: ignore[arg-type]
    mine, theirs = [unit(1), unit(2)], np.random.default_rng(99).normal(size=512).astype(np.float32)
    assert host.conflict("me", mine) == ""
    gallery.put("me", "t1", unit(3), 1e9)
    gallery.put("stranger", "t2", theirs, 1e9)
    assert host.conflict("me", mine) == ""
    assert host.conflict("me", [theirs / np.linalg.norm(theirs)]) == "another_face"
    assert host.conflict("newcomer", mine) == "duplicate"
    gallery.drop("me")
    assert host.conflict("newcomer", mine) == ""
