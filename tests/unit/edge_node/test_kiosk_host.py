"""The kiosk and the node's vision thread: a code counts once, here or at the door; a withdrawal is felt at once."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contract.checkin import Certificate, CheckinToken
from contract.clock import SystemClock
from contract.events import VisitStarted
from edge.checkin import Accepted, Refused
from edge.config import parse_config
from edge.config.vision import RecognitionConfig
from edge.kiosk.errors import KioskError
from edge.kiosk.host import NodeHost
from edge.perception import Perception
from edge.policy import PolicyDecision
from edge.values import Emission

SUBJECT = "ab" * 16
SIGNING = Ed25519PrivateKey.generate()


def code() -> str:
    phone = ec.generate_private_key(ec.SECP256R1())
    key = phone.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    blank = Certificate(bytes.fromhex(SUBJECT), key, int(time.time()) + 3600)
    certificate = Certificate(blank.subject, key, blank.not_after, SIGNING.sign(blank.signed_part()))
    token = CheckinToken(certificate, int(time.time() * 1000) + 1, secrets.token_bytes(8), b"")
    r, s = decode_dss_signature(phone.sign(token.signed_part(), ec.ECDSA(SHA256())))
    return CheckinToken(
        certificate, token.issued_ms, token.nonce, r.to_bytes(32, "big") + s.to_bytes(32, "big")
    ).encode()


@pytest.fixture
def emitted() -> list[Emission]:
    return []


@pytest.fixture
def perception(tmp_path: Path, emitted: list[Emission]) -> Iterator[Perception]:
    public = base64.b64encode(SIGNING.public_key().public_bytes_raw()).decode()
    scanner = {"id": "door", "source": {"driver": "simulated", "texts": ["SKU-1"], "interval_s": 1000.0}}
    config = parse_config(
        yaml.safe_dump({
            "store": "s", "node": "n", "state_dir": str(tmp_path), "scanners": [scanner],
            "trust": {"central_signing_key": public, "central_sealing_key": public},
        })
    )  # fmt: skip
    decision = PolicyDecision("verify", "default", "verify")
    made = Perception(config, SystemClock(), decision, emitted.extend, lambda _error: None)
    yield made
    made.stop()


def host_of(perception: Perception) -> NodeHost:
    return NodeHost(perception, RecognitionConfig())


def eventually(look: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not look():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_code_used_at_the_kiosk_starts_no_visit_and_opens_no_door(
    perception: Perception, emitted: list[Emission]
) -> None:
    perception.start()
    host, text = host_of(perception), code()
    assert host.admit(text) == Accepted(SUBJECT)
    assert host.admit(text) == Refused("replayed")
    perception.submit(lambda vision, now: vision.scan("door", text, now))
    assert host.admit("VITRINA1.nonsense") == Refused("not_a_token")  # the scan before it has been done
    assert not any(isinstance(event, VisitStarted) for event in emitted)
    perception.submit(lambda vision, now: vision.scan("door", code(), now))
    eventually(lambda: any(isinstance(event, VisitStarted) for event in emitted))


def test_a_withdrawal_drops_the_templates_here_at_once(perception: Perception) -> None:
    perception.start()
    vector = np.random.default_rng(1).normal(size=512).astype(np.float32)
    perception.gallery.put(SUBJECT, "t1", vector, time.monotonic() + 3600)
    host_of(perception).forget(SUBJECT)
    eventually(lambda: not perception.gallery.holds(SUBJECT))


class Deaf:
    def submit(self, _job: object) -> None:
        """Takes the job and never does it."""


def test_a_node_that_does_not_answer_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.kiosk.host._ANSWER_S", 0.05)
    with pytest.raises(KioskError) as caught:
        NodeHost(Deaf(), RecognitionConfig()).admit(code())  # type: ignore[arg-type]
    assert caught.value.word == "no_answer"
