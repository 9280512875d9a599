"""The pure parts of the label drivers, and the in-memory simulation."""

from __future__ import annotations

import asyncio
import io
import json

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from contract.clock import ManualClock
from hardware.errors import PermanentError, TransientError
from hardware.labels.base import RGB, LabelInfo, LabelReport, LabelState
from hardware.labels.confirm import Job, Rules, Verdict
from hardware.labels.image import digest, nearest, nudged, prepare, to_jpeg
from hardware.labels.multipart import read_form
from hardware.labels.oepl_wire import led_pattern, parse_message
from hardware.labels.options import SimulatedTag
from hardware.labels.simulated import SimulatedLabels
from hardware.labels.virtual import KINDS, VirtualTag, decode, encode

OLD, MIDDLE, NEW = "0" * 16, "AAAA", "BBBB"
RULES = Rules(settle_s=10.0, give_up_s=100.0, max_resends=2)


def info(width: int = 296, height: int = 128, colours: tuple[str, ...] = ("white", "black", "red")) -> LabelInfo:
    fields = {"address": "T1", "width": width, "height": height, "colours": colours, "model": "", "battery_mv": None}
    unknown = dict.fromkeys(("rssi", "lqi", "last_seen", "temperature_c"))
    return LabelInfo(**fields, **unknown, pending=0, content_hash="")  # type: ignore[arg-type]


def busy_label(width: int = 296, height: int = 128, accent: str = "red") -> Image.Image:
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width, 30), fill=accent)
    pen.text((4, 2), "SALE -15 % Kopfhörer", fill="white", font_size=20)
    pen.text((4, 34), "1 299 ₽", fill="black", font_size=40)
    pen.text((4, 84), "this price was set using your data", fill=accent, font_size=9)
    for x in range(0, width, 3):
        pen.line((x, 100, x, 127), fill="black" if x % 2 else accent)
    return image


# Has it been shown?


def play(job: Job, *news: tuple[float, int, str]) -> list[Verdict]:
    verdicts = []
    for now, pending, content in news:
        job, verdict = job.observe(pending, content, now)
        verdicts.append(verdict)
    return verdicts


def test_shown_needs_a_new_hash_and_nothing_pending() -> None:
    job = Job(RULES, OLD, begun=0, sent=0)
    news = [(0.1, 0, OLD), (1, 1, OLD), (2, 1, OLD), (5, 1, MIDDLE), (6, 0, NEW)]
    assert play(job, *news) == [Verdict.WAIT, Verdict.PENDING, Verdict.WAIT, Verdict.WAIT, Verdict.SHOWN]


def test_an_earlier_image_finishing_is_not_taken_for_ours() -> None:
    """Sent while another was on its way; that one lands first, ours is queued only after."""
    job = Job(RULES, OLD, begun=0, sent=0, overtakes=True)
    news = [(1, 0, MIDDLE), (2, 1, MIDDLE), (20, 0, MIDDLE), (21, 0, NEW)]
    assert play(job, *news) == [Verdict.WAIT, Verdict.PENDING, Verdict.WAIT, Verdict.SHOWN]


def test_an_idle_label_is_sent_the_image_again_then_given_up() -> None:
    job = Job(RULES, OLD, begun=0, sent=0)
    for sent in (0.0, 10.0):
        job, verdict = job.observe(0, OLD, sent + 9.9)
        assert verdict is Verdict.WAIT
        job, verdict = job.observe(0, OLD, sent + 10.0)
        assert verdict is Verdict.RESEND
        job = job.resent(OLD, sent + 10.0)
    assert play(job, (29.9, 0, OLD), (30.0, 0, OLD)) == [Verdict.WAIT, Verdict.FAILED]


def test_a_pending_label_is_waited_for_until_the_end() -> None:
    job = Job(RULES, OLD, begun=0, sent=0)
    assert play(job, (1, 1, OLD), (99.9, 1, OLD), (100, 1, OLD)) == [Verdict.PENDING, Verdict.WAIT, Verdict.FAILED]


NEWS = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 1), st.sampled_from([OLD, MIDDLE, NEW])), max_size=40)


@given(NEWS, st.booleans())
def test_never_shown_with_something_pending_or_without_change(
    news: list[tuple[float, int, str]], overtakes: bool
) -> None:
    job, now = Job(RULES, OLD, begun=0, sent=0, overtakes=overtakes), 0.0
    for gap, pending, content in news:
        now += gap
        baseline = job.baseline
        job, verdict = job.observe(pending, content, now)
        if verdict is Verdict.SHOWN:
            assert not pending
            assert content != baseline
            return
        assert (verdict is Verdict.FAILED) == (now >= 100)


# Images


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: f"{kind.number:02X}")
def test_jpeg_gives_every_pixel_back(kind: object) -> None:
    assert hasattr(kind, "colours")
    accent = kind.colours[-1]
    label = prepare(busy_label(kind.width, kind.height, accent), info(kind.width, kind.height, kind.colours))
    received = Image.open(io.BytesIO(to_jpeg(label)))
    assert received.size == (kind.width, kind.height)
    wrong = (np.asarray(nearest(received, kind.colours)) != np.asarray(label)).sum()
    assert wrong == 0
    assert b"\xff\xc0" in to_jpeg(label)  # baseline, for small decoders
    assert decode(encode(received, kind), kind).tobytes() == label.convert("RGB").tobytes()


def test_size_is_exact_and_colours_are_the_labels() -> None:
    with pytest.raises(PermanentError, match="300x128 pixels, label T1 has 296x128"):
        prepare(Image.new("RGB", (300, 128)), info())
    photo = Image.fromarray(np.random.default_rng(2).integers(0, 255, (128, 296, 3), np.uint8))
    for dither in ("none", "burkes", "ordered"):
        colours = set(np.unique(np.asarray(prepare(photo, info(), dither).convert("RGB")).reshape(-1, 3), axis=0).flat)
        assert colours <= {0, 255}
    spread = np.asarray(prepare(Image.new("RGB", (296, 128), (128, 128, 128)), info(), "burkes"))
    assert 0.3 < (spread == 0).mean() < 0.9
    clear = prepare(Image.new("RGBA", (296, 128), (0, 0, 0, 0)), info())
    assert (np.asarray(clear.convert("RGB")) == 255).all()


def test_digest_and_nudge_tell_pictures_apart() -> None:
    label = prepare(busy_label(), info())
    assert digest(label) == digest(prepare(busy_label(), info()))
    assert digest(label) != digest(nudged(label))
    assert (np.asarray(label) != np.asarray(nudged(label))).sum() == 1


# Wire


def sent_by_httpx(data: dict[str, str], file: bytes) -> tuple[bytes, str]:
    request = httpx.Request("POST", "http://x/", data=data, files={"file": ("i.jpg", file, "image/jpeg")})
    return request.read(), request.headers["Content-Type"]


def test_our_multipart_is_read_by_the_firmware() -> None:
    picture = bytes(range(256)) * 40
    body, kind = sent_by_httpx({"mac": "00000000E0000001", "dither": "0"}, picture)
    head, _, rest = body.partition(b'name="file"')
    assert b"Content-Type" not in head.replace(b"Content-Type: image/jpeg", b"")
    assert body.index(b'name="mac"') < body.index(b'name="file"')
    assert rest.startswith(b'; filename="i.jpg"\r\nContent-Type: image/jpeg\r\n\r\n')
    form = read_form(body, kind)
    assert (form.fields, form.file) == ({"mac": "00000000E0000001", "dither": "0"}, picture)


def test_the_emulator_has_the_firmwares_quirk() -> None:
    """A text part with a Content-Type is taken for a file, and what follows a file comes too late."""
    typed = (
        b'--b\r\nContent-Disposition: form-data; name="mac"\r\nContent-Type: text/plain\r\n\r\n00\r\n'
        b'--b\r\nContent-Disposition: form-data; name="dither"\r\n\r\n0\r\n--b--\r\n'
    )
    form = read_form(typed, "multipart/form-data; boundary=b")
    assert (form.fields, form.file) == ({}, b"00")
    assert read_form(typed, "multipart/form-data").file is None


@given(st.binary(max_size=200) | st.text(max_size=80))
def test_any_message_is_survived(raw: bytes | str) -> None:
    parse_message(raw)


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", "7", '{"tags":7}', '{"tags":[{}]}', '{"tags":[{"mac":1,"pending":"x"}]}']
)
def test_damaged_messages_are_marked(raw: str) -> None:
    message = parse_message(raw)
    assert message.damaged
    assert message.tags == ()


def test_known_messages() -> None:
    record = VirtualTag("00000000E0000001").as_json() | {"from_a_later_firmware": 1}
    (tag,) = parse_message(json.dumps({"tags": [record]})).tags
    assert (tag.mac, tag.batteryMv, tag.hwType, tag.pending) == ("00000000E0000001", 2950, 0x33, 0)
    for text in ('{"sys":{"heap":1}}', '{"upload":{"src":"x","current":1,"total":2}}', '{"logMsg":"x"}'):
        message = parse_message(text)
        assert (message.tags, message.damaged, message.rebooting) == ((), False, False)
    assert parse_message('{"errMsg":"REBOOTING"}').rebooting


def test_partial_records_keep_what_was_known() -> None:
    (whole,) = parse_message(json.dumps({"tags": [VirtualTag("E1".rjust(16, "0")).as_json()]})).tags
    (part,) = parse_message(f'{{"tags":[{{"mac":"{whole.mac}","pending":1}}]}}').tags
    merged = whole.merged(part)
    assert (merged.pending, merged.batteryMv, merged.hwType) == (1, 2950, 0x33)


def test_led_pattern_has_the_documented_layout() -> None:
    assert led_pattern(0) == "021C53010000000000000100"
    assert len(led_pattern(1e9)) == 24
    assert led_pattern(1e9)[20:22] == "FF"


# Simulation


async def drain(labels: SimulatedLabels) -> list[LabelReport]:
    await labels.close()
    return [report async for report in labels.reports() if report.state is not LabelState.SEEN]


async def test_simulated_labels_show_when_the_clock_says() -> None:
    clock = ManualClock()
    labels = SimulatedLabels([SimulatedTag(address="a1"), SimulatedTag(address="a2", battery_mv=2300)], clock)
    await labels.open()
    upload = await labels.upload("A1", busy_label())
    clock.advance(0.9)
    labels.tick()
    assert "A1" not in labels.glass
    clock.advance(0.1)
    labels.tick()
    assert labels.glass["A1"].tobytes() == nearest(busy_label(), RGB_ORDER).convert("RGB").tobytes()
    assert (await labels.upload("a1", busy_label())).already_shown
    assert labels.uploads == 1
    states = [(report.address, report.state, report.image_digest) for report in await drain(labels)]
    assert states == [
        ("A2", LabelState.LOW_BATTERY, ""),
        ("A1", LabelState.PENDING, upload.image_digest),
        ("A1", LabelState.SHOWN, upload.image_digest),
        ("A1", LabelState.SHOWN, upload.image_digest),
    ]


RGB_ORDER = ("black", "white", "red")


async def test_simulated_labels_misbehave() -> None:
    clock = ManualClock()
    labels = SimulatedLabels([SimulatedTag(address="A1")], clock)
    await labels.open()
    labels.misbehave.refuse_uploads = 1
    with pytest.raises(TransientError):
        await labels.upload("A1", busy_label())
    labels.misbehave.deaf = frozenset({"A1"})
    await labels.upload("A1", busy_label())
    clock.advance(60)
    labels.tick()
    labels.misbehave.away = True
    with pytest.raises(TransientError):
        await labels.tags()
    labels.misbehave.away = False
    with pytest.raises(PermanentError):
        await labels.flash_led("A9")
    await labels.flash_led("A1", 2.0)
    assert labels.flashes == [("A1", 2.0)]
    assert [report.state for report in await drain(labels)] == [LabelState.PENDING, LabelState.FAILED]


async def test_a_closed_driver_ends_its_reports() -> None:
    labels = SimulatedLabels([], ManualClock(), self_ticking=True)
    await labels.open()
    await labels.close()
    async with asyncio.timeout(2):
        assert [report async for report in labels.reports()] == []


def test_every_colour_has_a_value() -> None:
    assert {name for kind in KINDS.values() for name in kind.colours} == set(RGB)
