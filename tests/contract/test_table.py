"""The channel table, and the documents generated from it."""

from __future__ import annotations

import json
import re

import pytest

from contract.channels import CHANNELS, Address, channel_for, channel_of, kinds, parse_topic, subscription
from contract.errors import MisaddressedError, UnknownKindError
from contract.schemas import FOLDER, documents, write
from contract.values import Wire


def test_topics_round_trip() -> None:
    for kind in CHANNELS:
        address = Address("demo", "door-1", kind)
        assert parse_topic(address.topic) == address
        assert re.fullmatch(subscription(kind).replace("+", "[^/]+"), address.topic)


def test_every_model_has_one_channel_and_back() -> None:
    models = [row.model for row in CHANNELS.values()]
    assert len(models) == len(set(models))
    assert all(issubclass(model, Wire) for model in models)


def test_delivery_classes_follow_the_design() -> None:
    assert [row.kind for row in CHANNELS.values() if row.retain] == ["status"], "state is retained, events are not"
    assert all(row.qos == 1 for row in CHANNELS.values())
    assert not any(row.durable for row in kinds("down")), "commands are durable at central, not in the outbox"
    assert {row.kind for row in kinds("up") if not row.durable} == {"status", "health"}
    assert all(CHANNELS[kind].urgent for kind in ("visit.identified", "enrolment.withdrawn", "label.state"))


@pytest.mark.parametrize(
    "topic", ["", "vitrina/v1/a/b", "vitrina/v2/a/b/status", "vitrina/v1/a/b/c/d", "x/v1/a/b/status"]
)
def test_foreign_topics_are_refused(topic: str) -> None:
    with pytest.raises(MisaddressedError):
        parse_topic(topic)


@pytest.mark.parametrize("name", ["", "UPPER", "a/b", "a+b", "#", "../etc", "a" * 41, "имя"])
def test_names_cannot_break_out_of_a_topic(name: str) -> None:
    with pytest.raises(MisaddressedError):
        Address(name, "door-1", "status")


def test_unknown_kind_is_a_typed_error() -> None:
    with pytest.raises(UnknownKindError, match="teleport"):
        channel_of("teleport")


def test_generated_documents_are_current() -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert on_disk == documents(), "run `make schemas` and commit the result"


def test_regenerating_removes_documents_of_kinds_that_are_gone(tmp_path) -> None:
    (tmp_path / "old.kind.json").write_text("{}")
    assert write(tmp_path) == len(CHANNELS) + 1
    assert not (tmp_path / "old.kind.json").exists()


def test_asyncapi_refers_only_to_what_exists() -> None:
    found = documents()
    document = json.loads(found["asyncapi.json"])
    assert document["asyncapi"] == "3.0.0"
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].rpartition("/")[2] in document["channels"]
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            assert message["payload"]["$ref"].removeprefix("./") in found


def test_channel_for_instance_matches_table() -> None:
    from contract.commands import Receipt

    assert channel_for(Receipt(session="s", sequence=0)).kind == "receipt"
