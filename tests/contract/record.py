"""Records one payload per kind of the current contract version; files that exist are never overwritten.

Run once when a kind is added: `python tests/contract/record.py`. What is recorded stays for ever.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contract import commands as c
from contract import events as e
from contract import quality as q
from contract import state as s
from contract.channels import Address, channel_for
from contract.codec import CENTRAL_SOURCE, Envelope, encode
from contract.values import Wire

FOLDER = Path(__file__).parent / "payloads" / "v1"
AT = datetime(2026, 11, 22, 9, 30, 15, 250000, tzinfo=UTC)
VISIT, SUBJECT, QUOTE, SESSION = "7f" * 16, "a1" * 16, "q-5c1e", "s-0f3a9c"
SEALED = "c2VhbGVkLXRlbXBsYXRlLWJ5dGVz"
SHA = "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581"
CONTENT = c.LabelContent(
    title="Наушники Aurora 40", subtitle="Беспроводные, 210 г", sku="HP-040", link="https://id.example/01/04600000000404",
    price=899000, was=999000, currency="RUB", lines=("Шумоподавление 32 дБ",), disclosure="Цена рассчитана для вас",
    language="ru",
)  # fmt: skip
SIGNED = {"sequence": 41, "valid_until": AT + timedelta(minutes=2), "signature": "c2lnbmF0dXJl"}
WHO = {"visit": VISIT, "track": "floor-1-17", "at": AT}


def samples() -> list[Wire]:
    """One value of every model of the table, with every field filled."""
    consent = e.ConsentGiven(
        text_version="2026-10", text_sha256=SHA, purposes=dict.fromkeys(e.PURPOSES, True), channel="kiosk", at=AT
    )
    return [
        s.Status(
            state="online", session=SESSION, version="0.1.0", started_at=AT, public_key="cHVibGljLWtleQ==",
            drivers={"entrance": "rtsp"}, models=(s.ModelCard(name="face-embed", sha256=SHA, licence="MIT"),),
            policy=s.PolicyState(mode="lane", region="default"),
        ),
        s.Health(
            uptime_s=60.0, outbox_depth=2, gallery_subjects=3, decisions={"known": 1, "stranger": 2},
            cameras=(s.CameraHealth(id="door", state="running", fps=14.9, captured=900, processed=480, dropped=420),),
            checkins={"accepted": 1, "replayed": 1}, temperature_c=51.5,
        ),
        e.VisitStarted(visit=VISIT, method="face", device="entrance", at=AT, position=(3.2, 0.6)),
        e.VisitIdentified(
            visit=VISIT, subject=SUBJECT, method="face", device="entrance", stage="provisional", confidence=0.91,
            margin=0.31, first_usable_at=AT - timedelta(milliseconds=420), at=AT,
        ),
        e.VisitEnded(visit=VISIT, reason="exit", duration_s=312.4, at=AT),
        e.ZoneEntered(zone="shelf-1", **WHO),
        e.ZoneDwelled(zone="shelf-1", dwell_s=5.0, **WHO),
        e.ZoneLeft(zone="shelf-1", dwell_s=41.7, **WHO),
        e.LineCrossed(line="door", direction="in", **WHO),
        e.FloorOccupancy(
            camera="floor", minute=AT.replace(second=0, microsecond=0), cells=((4, 7, 12.5), (5, 7, 3.0)), people=(2, 1)
        ),
        q.CameraCalibration(
            camera="floor", state="INVALID", reason="moved", detail="the camera was moved", residual_m=0.21,
            drift_m=0.8, calibrated_at=AT - timedelta(days=30), at=AT,
            audit=q.Audit(
                at=AT - timedelta(days=29), until=AT + timedelta(days=150), seconds=1800,
                count=q.CountError(counted=112, missed=3, extra=2, share=-0.009, low=-0.063, high=0.044),
                dwell=q.DwellError(timed=21, missed=1, extra=0, mean_abs_s=0.6, high_s=0.9, bias_s=-0.2),
            ),
        ),
        e.CounterReported(
            line="door", entered=412, left=405, since=AT - timedelta(hours=4), source="onvif", device="door-camera", at=AT  # noqa: E501 - one payload a line
        ),
        e.QueueMeasured(
            zone="till", minute=AT.replace(second=0, microsecond=0), length_mean=2.4, length_max=4, length=3,
            waits=(48.5, 130.0),
        ),
        e.GroupEntered(size=2, line="door", at=AT),
        e.ProductScanned(sku="HP-040", device="scan-1", visit=VISIT, at=AT),
        e.LabelState(
            label="label-1", state="shown", variant="personal", quote=QUOTE, command=41, price=899000, after_s=4.2,
            battery_mv=2950, at=AT,
        ),
        e.EnrolmentCompleted(
            subject=SUBJECT, template="t-1", model_sha256=SHA, sealed_template=SEALED, sealed_key=SEALED,
            consent=consent, at=AT,
        ),
        e.EnrolmentWithdrawn(subject=SUBJECT, at=AT),
        c.Receipt(session=SESSION, sequence=118, also=(120, 121)),
        c.LabelShow(
            label="label-1", variant="personal", content=CONTENT, quote=QUOTE, visit=VISIT, zone="shelf-1",
            expires_at=AT + timedelta(minutes=2), **SIGNED,
        ),
        c.LabelRevert(label="label-1", quote=QUOTE, reason="left", **SIGNED),
        c.GalleryPut(
            subject=SUBJECT, template="t-1", model_sha256=SHA, sealed_template=SEALED, sealed_key=SEALED,
            lease_until=AT + timedelta(hours=24), **SIGNED,
        ),
        c.GalleryDrop(subject=SUBJECT, reason="withdrawn", **SIGNED),
        c.PolicySet(document='{"mode":"open"}', **SIGNED),
    ]  # fmt: skip


def message(data: Wire) -> tuple[str, bytes]:
    """Topic and payload of a sample."""
    channel = channel_for(data)
    address = Address("demo", "door-1", channel.kind)
    up = channel.direction == "up"
    envelope = Envelope(
        id="01J-" + channel.kind,
        source=address.source if up else CENTRAL_SOURCE,
        type=channel.event_type,
        time=AT,
        session=SESSION if channel.durable else None,
        sequence=119 if channel.durable else None,
        clockoffset=0.012 if up else None,
    )
    return address.topic, encode(envelope, data)


def main() -> None:
    """Record what is not recorded yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for data in samples():
        topic, payload = message(data)
        path = FOLDER / f"{channel_for(data).kind}.json"
        if not path.exists():
            record = {"topic": topic, "payload": json.loads(payload)}
            path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print("recorded", path.name)


if __name__ == "__main__":
    main()
