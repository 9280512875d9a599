"""Enrolment: what is accepted, what is refused and why, what leaves the machine."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contract.clock import ManualClock
from contract.codec import decode
from contract.events import EnrolmentCompleted
from edge import enrol
from edge.config import EdgeConfig
from edge.consent import Consent, check_subject, commit, completed
from edge.errors import NodeError
from edge.outbox.store import OutboxStore
from edge.sealing import open_key, open_template
from edge.vision.enrolment import Enrolled, NotEnrolled

SUBJECT = "ab" * 16
ROOT = Path(__file__).parents[3]
FACES = ROOT.parent / "shared" / "data" / "faces"


def unit(seed: int, of: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A vector near person `of`."""
    base = np.random.default_rng(of).normal(size=512)
    vector = base + 0.4 * np.random.default_rng(1000 + seed).normal(size=512)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"p{n}.png" for n in range(7)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((40, 40, 3), number * 20, np.uint8))
    (tmp_path / "notes.txt").write_text("not a photograph")
    return paths


def judged_by(monkeypatch: pytest.MonkeyPatch, verdicts: list[Enrolled | NotEnrolled]) -> None:
    turns = iter(verdicts)
    monkeypatch.setattr(enrol, "assess", lambda _image, _models: next(turns))


def test_a_folder_gives_its_pictures_and_a_missing_path_is_named(photos: list[Path]) -> None:
    assert enrol.find_photos([photos[0].parent]) == photos
    with pytest.raises(NodeError, match="nowhere"):
        enrol.find_photos([Path("nowhere")])


def test_the_best_five_are_taken_and_every_photograph_has_a_verdict(
    photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_by(monkeypatch, [Enrolled(unit(n), n / 10) for n in range(6)] + [NotEnrolled("blurred")])
    vectors, verdicts = enrol.choose(photos, None)  # type: ignore[arg-type]
    assert len(vectors) == 5
    assert np.allclose(vectors[0], unit(5))
    assert {verdict.name for verdict in verdicts} == {str(path) for path in photos}
    why = {Path(verdict.name).name: verdict.why for verdict in verdicts}
    assert "blurred" in why["p6.png"]
    assert "five best" in why["p0.png"]
    assert why["p5.png"] == ""


def test_a_photograph_of_somebody_else_is_refused(photos: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Enrolled(unit(0), 0.5), Enrolled(unit(1), 0.5), Enrolled(unit(2, of=9), 0.9)]
    judged_by(monkeypatch, [*found])
    vectors, verdicts = enrol.choose(photos[:3], None)  # type: ignore[arg-type]
    assert len(vectors) == 2
    assert "another person" in next(verdict.why for verdict in verdicts if verdict.name.endswith("p2.png"))


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.jpg", b""), ("b.jpg", b"\xff\xd8junk")):
        (tmp_path / name).write_bytes(content)
    vectors, verdicts = enrol.choose([tmp_path / "a.jpg", tmp_path / "b.jpg"], None)  # type: ignore[arg-type]
    assert vectors == []
    assert all("not a picture" in verdict.why for verdict in verdicts)


@pytest.mark.parametrize("purposes", ["profile", "identify,smile", ""])
def test_purposes_are_checked(purposes: str) -> None:
    with pytest.raises(NodeError, match="--purposes"):
        enrol.parse_purposes(purposes)


@pytest.mark.parametrize("subject", ["", "AB" * 16, "ab" * 15, "../../etc/passwd"])
def test_a_subject_is_a_pseudonym(subject: str) -> None:
    with pytest.raises(NodeError, match="--subject"):
        check_subject(subject)


def test_what_is_committed_opens_only_with_centrals_key_and_names_the_consent(tmp_path: Path) -> None:
    central, clock = X25519PrivateKey.generate(), ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    public = base64.b64encode(central.public_key().public_bytes_raw()).decode()
    consent = Consent(b"I agree", "v3", enrol.parse_purposes("identify, profile")).given(clock)
    vectors = [unit(n) for n in range(3)]
    events = completed(SUBJECT, vectors, consent, public, "0" * 64, clock)
    config = EdgeConfig(store="demo", node="node1", state_dir=tmp_path)
    commit(config, tmp_path / "outbox.db", events, clock)
    rows = OutboxStore(tmp_path / "outbox.db", clock).read(0, 10)
    assert [row.kind for row in rows] == ["enrolment.completed"] * 3
    keys = set()
    for row, vector in zip(rows, vectors, strict=True):
        data = decode("vitrina/v1/demo/node1/enrolment.completed", row.payload).data
        assert isinstance(data, EnrolmentCompleted)
        assert data.consent.text_sha256 == hashlib.sha256(b"I agree").hexdigest()
        assert data.consent.purposes == {
            "identify": True, "profile": True, "personal_price": False, "consultant_alert": False, "analytics": False,
        }  # fmt: skip
        keys.add(open_key(data.sealed_key, central))
        opened = open_template(data.sealed_template, next(iter(keys)), SUBJECT, data.template)
        assert float(opened @ vector) > 0.9999
    assert len(keys) == 1
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert vectors[0].astype(np.float16).tobytes()[:64] not in raw


@pytest.mark.skipif(not FACES.is_dir(), reason="../shared/data is absent: real faces are not tried here")
def test_real_photographs_of_one_person_are_enrolled_and_a_strangers_is_refused() -> None:
    from models.errors import ModelError
    from models.faces import load_face_models
    from models.weights import default_weights_dir

    try:
        models = load_face_models(default_weights_dir())
    except ModelError as error:
        pytest.skip(f"the face models are not built: {error}")
    own = sorted((FACES / "lfw_Angela_Merkel").glob("*.jpg"))
    strangers = sorted((FACES / "lfw_Jack_Straw").glob("*.jpg"))
    usable = [photo for photo in strangers if enrol.choose([photo], models)[0]]
    vectors, verdicts = enrol.choose([*own, usable[0]], models)
    assert len(vectors) >= 2
    assert "another person" in next(v.why for v in verdicts if v.name == str(usable[0]))
