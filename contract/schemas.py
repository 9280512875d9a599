"""Documentation generated from the table: one JSON Schema per kind and an AsyncAPI 3 document.

`python -m contract` writes them to contract/schema; a test regenerates and compares.
"""

from __future__ import annotations

import json
from pathlib import Path

from contract.channels import CHANNELS, ROOT, Channel
from contract.codec import Envelope
from contract.values import MAX_PAYLOAD_BYTES

Json = dict[str, object]
FOLDER = Path(__file__).parent / "schema"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def message_schema(channel: Channel) -> Json:
    """JSON Schema (2020-12) of a whole message of this kind: envelope and data."""
    envelope = Envelope.model_json_schema(mode="serialization")
    data = channel.model.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = {**envelope.pop("$defs", {}), **data.pop("$defs", {})}
    properties = {**envelope["properties"], "data": data, "type": {"const": channel.event_type}}
    required = ["specversion", "id", "source", "type", "time", "data"]
    if channel.durable:
        required += ["session", "sequence"]
    schema: Json = {
        "$schema": _DIALECT,
        "title": channel.kind,
        "description": channel.summary,
        "type": "object",
        "properties": properties,
        "required": required,
    }
    return {**schema, "$defs": definitions} if definitions else schema


def asyncapi() -> Json:
    """AsyncAPI 3.0 document of every channel, seen from central: it receives what goes up, sends what goes down."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vitrina store wire",
            "version": "1",
            "description": f"CloudEvents 1.0 structured JSON over MQTT 3.1.1, at most {MAX_PAYLOAD_BYTES} bytes each.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {_key(row): _channel(row) for row in CHANNELS.values()},
        "operations": {_key(row): _operation(row) for row in CHANNELS.values()},
    }


def _key(channel: Channel) -> str:
    return channel.kind.replace(".", "_")


def _channel(channel: Channel) -> Json:
    return {
        "address": f"{ROOT}/{{store}}/{{node}}/{channel.kind}",
        "description": channel.summary,
        "parameters": {
            "store": {"description": "Store id"},
            "node": {"description": "Node id within the store"},
        },
        "messages": {_key(channel): {"name": channel.event_type, "payload": {"$ref": f"./{channel.kind}.json"}}},
        "x-durable": channel.durable,
        "x-period-seconds": channel.period_s,
    }


def _operation(channel: Channel) -> Json:
    return {
        "action": "receive" if channel.direction == "up" else "send",
        "channel": {"$ref": f"#/channels/{_key(channel)}"},
        "summary": channel.summary,
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retain}},
    }


def documents() -> dict[str, str]:
    """File name to text of every generated document."""
    found = {f"{row.kind}.json": message_schema(row) for row in CHANNELS.values()}
    found["asyncapi.json"] = asyncapi()
    return {name: json.dumps(body, indent=1, ensure_ascii=False) + "\n" for name, body in found.items()}


def write(folder: Path = FOLDER) -> int:
    """Write all documents, remove those of kinds that are gone; returns how many were written."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = documents()
    for stale in {path.name for path in folder.glob("*.json")} - set(wanted):
        (folder / stale).unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
    return len(wanted)
