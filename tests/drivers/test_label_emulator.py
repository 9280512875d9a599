"""The emulated access point itself, request by request, as its protocol is documented."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import httpx
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image
from websockets.asyncio.client import connect

from contract.clock import SystemClock
from hardware.labels.emulator import AccessPointEmulator
from hardware.labels.image import to_jpeg
from hardware.labels.virtual import KINDS, VirtualTag

ROOT = Path(__file__).resolve().parents[2]
FIRST, FOUR_COLOURS = "00000000E0000001", "00000000E0000002"


@pytest_asyncio.fixture
async def point() -> AsyncIterator[AccessPointEmulator]:
    tags = [VirtualTag(FIRST), VirtualTag(FOUR_COLOURS, 0x2B)]
    emulator = AccessPointEmulator(tags, clock=SystemClock(), checkin_s=0.1, refresh_s=0.05, prepare_s=0.02)
    await emulator.start()
    yield emulator
    await emulator.stop()


@pytest_asyncio.fixture
async def http(point: AccessPointEmulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=point.url, trust_env=False) as client:
        yield client


def jpeg(size: tuple[int, int] = (384, 168), colour: str = "red") -> bytes:
    image = Image.new("RGB", size, "white")
    image.paste(colour, (0, 0, size[0] // 2, size[1]))
    return to_jpeg(image)


async def send(http: httpx.AsyncClient, mac: str = FIRST, **fields: str) -> httpx.Response:
    return await http.post("/imgupload", data={"mac": mac, "dither": "0", **fields}, files={"file": ("i", jpeg())})


async def shown(point: AccessPointEmulator, mac: str = FIRST) -> VirtualTag:
    async with asyncio.timeout(10):
        while point.tags[mac].payload is None or point.tags[mac].pending:
            await asyncio.sleep(0.01)
    return point.tags[mac]


async def test_what_an_upload_looks_like_on_the_websocket(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    heard: list[dict[str, object]] = []
    async with connect(point.url.replace("http", "ws") + "/ws") as socket:
        heard.append(json.loads(await socket.recv()))
        assert (await send(http)).status_code == 200
        async with asyncio.timeout(10):
            while not (heard[-1].get("tags") and heard[-1]["tags"][0]["hash"] != "0" * 16):  # type: ignore[index]
                heard.append(json.loads(await socket.recv()))
    assert set(heard[0]) == {"sys"}
    blocks = [each["upload"] for each in heard if "upload" in each]
    size = len(point.tags[FIRST].payload or b"")
    assert [block["current"] for block in blocks] == list(range(1, -(-size // 4096) + 1))  # type: ignore[index]
    story = [(tag["pending"], tag["hash"]) for each in heard for tag in each.get("tags", ()) if tag["mac"] == FIRST]  # type: ignore[attr-defined]
    changes = [step for number, step in enumerate(story) if number == 0 or step != story[number - 1]]
    assert [pending for pending, _ in changes][-2:] == [1, 0]


async def test_the_hash_is_that_of_the_payload(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    await send(http)
    tag = await shown(point)
    payload = (await http.get(f"/current/{FIRST}.raw")).content
    assert tag.hash == hashlib.md5(payload).hexdigest()[:16].upper()
    assert (await http.get("/getdata", params={"mac": FIRST})).content == payload
    glass = Image.open(io.BytesIO((await http.get(f"/virtual/{FIRST}.png")).content))
    pixels = np.asarray(glass.convert("RGB"))
    assert pixels[80, 10].tolist() == [255, 0, 0]
    assert pixels[80, 370].tolist() == [255, 255, 255]


async def test_four_colours(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    files = {"file": ("i", jpeg(colour="yellow"))}
    await http.post("/imgupload", data={"mac": FOUR_COLOURS, "dither": "0"}, files=files)
    assert np.asarray((await shown(point, FOUR_COLOURS)).glass())[80, 10].tolist() == [255, 255, 0]


async def test_the_same_image_changes_nothing(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    await send(http)
    before = (await shown(point)).hash
    assert (await send(http)).status_code == 200
    await asyncio.sleep(0.3)
    tag = point.tags[FIRST]
    assert (tag.hash, tag.pending, tag.update_count) == (before, 0, 1)


async def test_an_image_of_another_size_is_not_scaled(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    await http.post("/imgupload", data={"mac": FIRST, "dither": "0"}, files={"file": ("i", jpeg((100, 50)))})
    pixels = np.asarray((await shown(point)).glass())
    assert pixels[25, 10].tolist() == [255, 0, 0]
    assert (pixels[60:] == 255).all()


async def test_refusals(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    unknown = await send(http, mac="00000000000000FF")
    assert (unknown.status_code, unknown.text) == (400, "mac not found")
    incomplete = await http.post("/imgupload", data={"mac": FIRST})
    assert (incomplete.status_code, incomplete.text) == (400, "parameters incomplete")
    point.faults.busy = 1
    busy = await send(http)
    assert (busy.status_code, busy.text) == (409, "Come back later")
    assert (await http.get("/tagtypes/7F.json")).status_code == 404
    assert (await http.get(f"/current/{FIRST}.raw")).status_code == 404
    saved = await http.post("/save_cfg", data={"mac": "00"})
    assert saved.status_code == 200
    assert "mac not found" in saved.text


async def test_a_client_that_types_its_text_fields_fails_as_on_the_real_device(point: AccessPointEmulator) -> None:
    form = aiohttp.FormData()
    form.add_field("mac", FIRST, content_type="text/plain; charset=utf-8")
    form.add_field("file", jpeg(), filename="i.jpg", content_type="image/jpeg")
    async with aiohttp.ClientSession() as session, session.post(f"{point.url}/imgupload", data=form) as response:
        assert response.status == 400


async def test_the_database(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    whole = (await http.get("/get_db")).json()
    assert [tag["mac"] for tag in whole["tags"]] == [FIRST, FOUR_COLOURS]
    assert "continu" not in whole
    for mac in (FIRST, FIRST[4:], FIRST.lower()):
        assert [tag["mac"] for tag in (await http.get("/get_db", params={"mac": mac})).json()["tags"]] == [FIRST]
    assert (await http.get("/get_db", params={"mac": "F" * 16})).json() == {"tags": []}
    assert (await http.get("/get_db", params={"mac": "xyz"})).json() == {"error": "malformatted parameter"}
    for number, kind in KINDS.items():
        told = (await http.get(f"/tagtypes/{number:02X}.json")).json()
        assert (told["width"], told["height"], len(told["colortable"])) == (kind.width, kind.height, len(kind.colours))


async def test_commands_settings_and_drawing(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    tag = point.tags[FIRST]
    await http.post("/tag_cmd", data={"mac": FIRST, "cmd": "ledflash"})
    await http.get("/led_flash", params={"mac": FIRST, "pattern": "00" * 12})
    async with asyncio.timeout(5):
        while len(tag.obeyed) < 2:
            await asyncio.sleep(0.01)
    assert tag.obeyed == ["ledflash", "led:" + "00" * 12]
    assert (await http.post("/tag_cmd", data={"mac": FIRST, "cmd": "dance"})).status_code == 400
    await http.post("/save_cfg", data={"mac": FIRST, "alias": "shelf 4", "rotate": "2"})
    assert (tag.alias, tag.as_json()["rotate"]) == ("shelf 4", 2)
    drawing = json.dumps([{"box": [0, 0, 100, 50, 2]}, {"text": [5, 60, "99", "font", 1]}])
    await http.post("/jsonupload", data={"mac": FIRST, "json": drawing})
    assert np.asarray((await shown(point)).glass())[20, 20].tolist() == [255, 0, 0]
    assert (await http.post("/jsonupload", data={"mac": FIRST, "json": "{"})).status_code == 400
    point.tags[FOUR_COLOURS].offline = True
    tag.offline = True
    await send(http)
    await asyncio.sleep(0.1)
    assert tag.pending == 1
    await http.post("/tag_cmd", data={"mac": FIRST, "cmd": "clear"})
    assert tag.pending == 0
    await http.post("/tag_cmd", data={"mac": FIRST, "cmd": "del"})
    assert set(point.tags) == {FOUR_COLOURS}


@pytest.mark.parametrize("path", ["/sysinfo", "/get_ap_config"])
async def test_information(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).json()["alias"] == "virtual"


async def test_faults_over_http(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    assert (await http.post("/virtual/faults", json={"busy": 3, "slow_s": 0.01})).status_code == 200
    assert (point.faults.busy, point.faults.slow_s) == (3, 0.01)
    await http.post("/virtual/faults", json={"mac": FIRST, "offline": True, "battery_mv": 2200})
    assert (point.tags[FIRST].offline, point.tags[FIRST].battery_mv) == (True, 2200)
    wrong = await http.post("/virtual/faults", json={"busi": 1})
    assert wrong.status_code == 400
    assert "busy" in wrong.text


async def test_a_reboot_is_announced_and_cuts_everything(point: AccessPointEmulator, http: httpx.AsyncClient) -> None:
    async with connect(point.url.replace("http", "ws") + "/ws") as socket:
        await http.post("/virtual/faults", json={"reboot_s": 0.3})
        heard = [str(message) async for message in socket]
    assert '{"errMsg": "REBOOTING"}' in heard
    with pytest.raises(httpx.TransportError):
        await http.get("/sysinfo")
    await asyncio.sleep(0.5)
    assert (await http.get("/sysinfo")).status_code == 200


def test_the_command_line_prints_where_it_is() -> None:
    command = [sys.executable, "-m", "hardware.labels.emulator", "--tags", "3", "--type", "2B"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, *macs = process.stdout.readline().split()
        try:
            told = httpx.get(f"{url}/get_db", trust_env=False).json()["tags"]
            assert [tag["mac"] for tag in told] == macs
            assert {tag["hwType"] for tag in told} == {0x2B}
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
