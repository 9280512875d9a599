"""P10 in spirit, for templates: a node holds those of its store's people who agreed to be identified, and no others;
and nothing it tells about its gallery as a whole tells about one person.

How "below k" is read here: of the gallery a node tells central one number, how many people it holds, and in records for
threshold fitting how many templates were searched. Neither says who. What joins two enrolled people (confusable pairs)
is no aggregate: it is written on the operator's order alone, stays in a file of mode 0600 on the node, is never sent,
and lives no longer than the templates it speaks of.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from numpy.typing import NDArray
from pydantic import ValidationError

from central.background import Background
from central.keys import seal_subject_key
from central.privacy.tables import SubjectConsent
from contract.channels import CHANNELS
from contract.commands import GalleryPut
from contract.events import PURPOSES, ConsentGiven, EnrolmentCompleted
from contract.state import Health, Status

EMBEDDER = "e" * 64
ANNA, BEN = "a" * 32, "b" * 32


def vector(seed: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_normal(512).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


# What a node takes in.


def test_a_node_takes_in_what_central_sealed_to_it(listening: Callable[..., Any], office: Any) -> None:
    node = listening("lane")
    node.take(office.put(ANNA, "t1", vector(1), EMBEDDER, node.key.public))
    node.settle()
    assert node.gallery.holds(ANNA)


def test_the_template_of_another_node_or_store_does_not_open_here(listening: Callable[..., Any], office: Any) -> None:
    """Whatever the address says: the subject's key is sealed to the other node."""
    node = listening("lane")
    other = X25519PrivateKey.generate().public_key().public_bytes_raw()
    node.take(office.put(ANNA, "t1", vector(1), EMBEDDER, base64.b64encode(other).decode()))
    node.settle()
    assert node.gallery.templates == 0
    assert node.orders.refused() == {"sealed": 1}


def test_a_command_for_another_store_or_node_is_refused(listening: Callable[..., Any], office: Any) -> None:
    node = listening("lane")
    topic, payload = office.put(ANNA, "t1", vector(1), EMBEDDER, node.key.public)
    for elsewhere in (topic.replace("/demo/", "/other/"), topic.replace("/node1/", "/node2/")):
        node.take((elsewhere, payload))
    message = json.loads(payload)
    message["data"]["subject"] = BEN  # another person, under the same signature
    node.take((topic, json.dumps(message).encode()))
    node.settle()
    assert node.gallery.templates == 0
    assert node.orders.refused() == {"misaddressed": 2, "forged": 1}


def test_under_qr_only_nobodys_template_is_held(listening: Callable[..., Any], office: Any) -> None:
    node = listening("qr_only")
    node.take(office.put(ANNA, "t1", vector(1), EMBEDDER, node.key.public))
    node.settle()
    assert node.gallery.templates == 0
    assert node.orders.refused() == {"policy": 1}


# Whom central sends.


def enrolment(shop: Any, subject: str, template: str, identify: bool = True) -> EnrolmentCompleted:
    purposes = {purpose: identify or purpose != "identify" for purpose in PURPOSES}
    consent = ConsentGiven(
        text_version="1", text_sha256="0" * 64, purposes=purposes, channel="command_line", at=shop.now
    )
    return EnrolmentCompleted(
        subject=subject, template=template, model_sha256=EMBEDDER, consent=consent, at=shop.now,
        sealed_template=base64.b64encode(bytes(1052)).decode(),
        sealed_key=seal_subject_key(bytes(32), shop.runtime.keys.public()["central_sealing_key"]),
    )  # fmt: skip


async def born(shop: Any, store: str, node: str) -> None:
    key = base64.b64encode(X25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    status = Status(state="online", session=f"{store}-{node}", started_at=shop.now, public_key=key)
    await shop.feed(shop.message(status, store=store, node=node))


async def test_nobody_is_sent_to_another_store(shop: Any) -> None:
    other = {**shop_of(shop), "id": "elsewhere"}
    await shop.load()
    await shop.load({"store": other, "products": [], "customers": []})
    await born(shop, "shop", "node-1")
    await born(shop, "elsewhere", "node-9")
    await shop.feed(enrolment(shop, ANNA, "t1"))
    await Background(shop.runtime).deliver()
    sent = [message for message in shop.bus.sent if message.channel.kind == "gallery.put"]
    assert [(message.address.store, message.address.node) for message in sent] == [("shop", "node-1")]


async def test_nobody_is_sent_without_consent_to_be_identified(shop: Any) -> None:
    await shop.load()
    await born(shop, "shop", "node-1")
    await shop.feed(enrolment(shop, ANNA, "t1"))
    async with shop.runtime.change() as effects:
        consent = await effects.session.get(SubjectConsent, ANNA)
        consent.purposes = {**consent.purposes, "identify": False}
    await Background(shop.runtime).deliver()
    assert shop.commands("gallery.put") == []


def test_the_contract_has_no_template_without_consent_to_identify(shop: Any) -> None:
    with pytest.raises(ValidationError, match="a template needs consent to identify"):
        enrolment(shop, BEN, "t1", identify=False)


def shop_of(shop: Any) -> dict[str, Any]:
    return {
        "id": "shop", "name": "Another shop", "currency": "EUR", "plan": {"width_m": 10, "height_m": 8},
        "zones": [], "lines": [], "cameras": [], "labels": [],
    }  # fmt: skip


# What a node tells of its gallery.


def test_health_tells_of_the_gallery_how_many_people_it_holds_and_no_more() -> None:
    told = {name for name in Health.model_fields if "gallery" in name or "template" in name or "subject" in name}
    assert told == {"gallery_subjects"}


def test_templates_go_up_at_enrolment_only_and_one_at_a_time() -> None:
    carriers = {
        kind for kind, row in CHANNELS.items()
        if row.direction == "up" and any("template" in name for name in row.model.model_fields)
    }  # fmt: skip
    assert carriers == {"enrolment.completed"}
    one = EnrolmentCompleted.model_fields["sealed_template"]
    assert GalleryPut.model_fields["sealed_template"].annotation == one.annotation


def test_a_record_for_threshold_fitting_cannot_be_joined_to_a_person() -> None:
    from calibration.thresholds.records import ImpostorScore

    assert set(ImpostorScore.model_fields) == {"at", "score", "gallery", "bar", "model", "sha256"}


@pytest.mark.parametrize("reason", ["dropped", "lease", "stopped", "policy"])
def test_what_a_node_holds_goes_with_drop_lease_stop_and_policy(
    listening: Callable[..., Any], office: Any, reason: str
) -> None:
    from edge.policy import PolicyDecision

    node = listening("lane")
    lease = 2.0 if reason == "lease" else 3600.0
    node.take(office.put(ANNA, "t1", vector(1), EMBEDDER, node.key.public, lease))
    node.settle()
    gallery = node.gallery
    assert gallery.search(vector(1)).subject == ANNA
    match reason:
        case "dropped":
            node.take(office.drop(ANNA))
        case "stopped":
            node.perception.stop()
        case "policy":
            node.perception.apply(PolicyDecision("qr_only", "default", "lane", "the site policy expired"))
        case _:
            pass
    from time import monotonic, sleep

    end = monotonic() + 10
    while gallery.templates and monotonic() < end:
        sleep(0.02)
    assert gallery.templates == 0
    assert gallery.search(vector(1)) is None
    assert gallery.verify(ANNA, vector(1)) is None
