"""An emulated OpenEPaperLink access point: the same HTTP and WebSocket protocol, virtual labels behind it.

Written from the protocol's observable facts, not from its sources. Under /virtual, outside the real protocol, it shows
what each label's glass shows and takes faults to play. Needs aiohttp (the simulator extra).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import signal
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import WSMsgType, web

from contract.clock import Clock, SystemClock
from hardware.labels.access_point import Answer, EmulatedAccessPoint, Faults
from hardware.labels.multipart import read_form
from hardware.labels.virtual import KINDS, VirtualTag

_MOST_BODY_BYTES = 2_000_000
_TAG_KNOBS = ("offline", "fail_transfers", "battery_mv")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AccessPointEmulator:
    """Serves one emulated access point. `faults` and `tags` may be changed while it runs."""

    def __init__(
        self,
        tags: Sequence[VirtualTag],
        *,
        clock: Clock,
        checkin_s: float = 3.0,
        refresh_s: float = 0.5,
        prepare_s: float = 0.1,
        system_s: float = 5.0,
    ) -> None:
        self.core = EmulatedAccessPoint(
            tags, clock, self._tell, checkin_s=checkin_s, refresh_s=refresh_s, prepare_s=prepare_s
        )
        self.requests: list[tuple[str, str]] = []
        self._clock = clock
        self._checkin_s = checkin_s
        self._system_s = system_s
        self._started = clock.monotonic()
        self._sockets: set[web.WebSocketResponse] = set()
        self._outboxes: dict[web.WebSocketResponse, asyncio.Queue[str]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    @property
    def faults(self) -> Faults:
        return self.core.faults

    @property
    def tags(self) -> dict[str, VirtualTag]:
        return self.core.tags

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen (port 0: any free one, see `url`) and let the labels live."""
        app = web.Application(middlewares=[self._misbehave], client_max_size=_MOST_BODY_BYTES)
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"
        count = max(1, len(self.tags))
        self._tasks = [asyncio.create_task(self._speak_of_itself())]
        for number, tag in enumerate(self.tags.values(), start=1):
            self._tasks.append(asyncio.create_task(self.core.live(tag, self._checkin_s * number / count)))

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.drop_websockets()
        if self._runner is not None:
            await self._runner.cleanup()

    async def drop_websockets(self) -> None:
        """Cut every WebSocket without a word."""
        for socket in list(self._sockets):
            transport = socket.get_extra_info("transport")
            if isinstance(transport, asyncio.Transport):
                transport.abort()
            await socket.close()

    async def reboot(self, down_s: float = 2.0) -> None:
        """Say so, vanish for `down_s`, and come back with the queue lost."""
        self._tell({"errMsg": "REBOOTING"})
        await asyncio.sleep(0.02)
        self.core.down = True
        self.core.forget_queue()
        await self.drop_websockets()
        await asyncio.sleep(down_s)
        self.core.down = False

    # Protocol

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/ws", self._websocket),
            web.get("/get_db", self._get_db),
            web.post("/imgupload", self._imgupload),
            web.post("/jsonupload", self._form(self.core.draw_json)),
            web.post("/save_cfg", self._form(self.core.save)),
            web.post("/tag_cmd", self._form(lambda form: self.core.command(form.get("mac", ""), form.get("cmd", "")))),
            web.get("/led_flash", self._led_flash),
            web.get("/tagtypes/{name}", self._tagtype),
            web.get("/current/{name}", self._current),
            web.get("/getdata", self._getdata),
            web.get("/sysinfo", self._sysinfo),
            web.get("/get_ap_config", self._ap_config),
            web.post("/save_apcfg", self._form(lambda _form: Answer(200, "Ok, saved"))),
            web.post("/set_time", self._form(lambda _form: Answer(200, "ok"))),
            web.post("/set_var", self._form(lambda _form: Answer(200, "ok"))),
            web.post("/reboot", self._reboot),
            web.get("/virtual/tags", self._virtual_tags),
            web.get("/virtual/{name}", self._virtual_glass),
            web.post("/virtual/faults", self._virtual_faults),
        ]

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append((request.method, request.path))
        if request.path.startswith("/virtual/"):
            return await handler(request)
        if self.core.down and request.transport is not None:
            request.transport.abort()
            raise web.HTTPServiceUnavailable
        await asyncio.sleep(self.faults.slow_s)
        if self.faults.fail > 0:
            self.faults.fail -= 1
            return web.Response(status=500, text="out of memory")
        return await handler(request)

    def _form(self, act: Callable[[dict[str, str]], Answer]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.content_type == "multipart/form-data":
                fields = read_form(await request.read(), request.headers.get("Content-Type", "")).fields
            else:
                fields = {name: str(value) for name, value in (await request.post()).items()}
            return _plain(act(fields))

        return handle

    async def _imgupload(self, request: web.Request) -> web.StreamResponse:
        form = read_form(await request.read(), request.headers.get("Content-Type", ""))
        return _plain(self.core.upload(form.fields, form.file))

    async def _get_db(self, request: web.Request) -> web.StreamResponse:
        mac = request.query.get("mac")
        if mac is None:
            position = request.query.get("pos", "0")
            return web.json_response(self.core.page(int(position) if position.isdigit() else 0))
        if len(mac) not in (12, 16) or not all(digit in "0123456789abcdefABCDEF" for digit in mac):
            return web.json_response({"error": "malformatted parameter"})
        tag = self.core.find(mac)
        return web.json_response({"tags": [tag.as_json()] if tag else []})

    async def _led_flash(self, request: web.Request) -> web.StreamResponse:
        return _plain(self.core.led(request.query.get("mac", ""), request.query.get("pattern", "")))

    async def _tagtype(self, request: web.Request) -> web.StreamResponse:
        stem = request.match_info["name"].removesuffix(".json")
        kind = next((kind for number, kind in KINDS.items() if f"{number:02X}" == stem), None)
        if kind is None:
            raise web.HTTPNotFound
        return web.json_response(kind.as_json())

    async def _current(self, request: web.Request) -> web.StreamResponse:
        tag = self.core.find(request.match_info["name"].removesuffix(".raw"))
        if tag is None or tag.payload is None:
            raise web.HTTPNotFound
        return web.Response(body=tag.payload, content_type="application/octet-stream")

    async def _getdata(self, request: web.Request) -> web.StreamResponse:
        tag = self.core.find(request.query.get("mac", ""))
        payload = (tag.waiting or tag.payload) if tag else None
        if payload is None:
            raise web.HTTPNotFound
        return web.Response(body=payload, content_type="application/octet-stream")

    async def _sysinfo(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"alias": "virtual", "env": "emulated", "buildversion": "2.x", "ver": 39})

    async def _ap_config(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"channel": 11, "alias": "virtual", "led": 255, "maxsleep": 10})

    async def _reboot(self, _request: web.Request) -> web.StreamResponse:
        self._tasks.append(asyncio.create_task(self.reboot()))
        return web.Response(text="OK Reboot")

    # WebSocket

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        outbox: asyncio.Queue[str] = asyncio.Queue()
        self._sockets.add(socket)
        self._outboxes[socket] = outbox
        sender = asyncio.create_task(_send_all(socket, outbox))
        try:
            outbox.put_nowait(json.dumps({"sys": self._system(full=True)}))
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            sender.cancel()
            self._sockets.discard(socket)
            self._outboxes.pop(socket, None)
        return socket

    def _tell(self, message: dict[str, object]) -> None:
        if self.faults.mute:
            return
        for outbox in self._outboxes.values():
            if self.faults.garbage > 0:
                self.faults.garbage -= 1
                outbox.put_nowait('{"tags":[{"mac":')
            outbox.put_nowait(json.dumps(message))

    async def _speak_of_itself(self) -> None:
        while True:
            await asyncio.sleep(self._system_s)
            self._tell({"sys": self._system(full=False)})

    def _system(self, *, full: bool) -> dict[str, object]:
        part: dict[str, object] = {
            "currtime": int(self.core.now()),
            "heap": 180_000,
            "uptime": int(self._clock.monotonic() - self._started),
        }
        if not full:
            return part
        return part | {
            "recordcount": len(self.tags),
            "dbsize": 400 * len(self.tags),
            "littlefsfree": 5_000_000,
            "apstate": 1,
            "runstate": 2,
            "rssi": -48,
            "wifistatus": 3,
            "wifissid": "virtual",
        }

    # Outside the real protocol

    async def _virtual_tags(self, _request: web.Request) -> web.StreamResponse:
        known = [tag.as_json() | {"obeyed": tag.obeyed, "offline": tag.offline} for tag in self.tags.values()]
        return web.json_response({"tags": known})

    async def _virtual_glass(self, request: web.Request) -> web.StreamResponse:
        tag = self.core.find(request.match_info["name"].removesuffix(".png"))
        if tag is None:
            raise web.HTTPNotFound
        stream = io.BytesIO()
        tag.glass().save(stream, "PNG")
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=stream.getvalue(), content_type="image/png", headers=headers)

    async def _virtual_faults(self, request: web.Request) -> web.StreamResponse:
        wanted = await request.json()
        mac = wanted.pop("mac", None)
        if wanted.pop("drop_websockets", False):
            await self.drop_websockets()
        if (down_s := wanted.pop("reboot_s", None)) is not None:
            self._tasks.append(asyncio.create_task(self.reboot(float(down_s))))
        target = self.core.find(str(mac)) if mac else self.faults
        known = _TAG_KNOBS if mac else tuple(Faults.__dataclass_fields__)
        unknown = [name for name in wanted if name not in known]
        if target is None or unknown:
            return web.Response(status=400, text=f"unknown label or knobs {unknown}; knobs: {', '.join(known)}")
        for name, value in wanted.items():
            setattr(target, name, type(getattr(target, name))(value))
        return web.json_response({"ok": True})


async def _send_all(socket: web.WebSocketResponse, outbox: asyncio.Queue[str]) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await socket.send_str(await outbox.get())


def _plain(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, text=answer.text)


async def _serve(arguments: argparse.Namespace) -> None:
    tags = [VirtualTag(f"{0xE0000000 + n:016X}", arguments.type) for n in range(1, arguments.tags + 1)]
    emulator = AccessPointEmulator(tags, clock=SystemClock(), checkin_s=arguments.checkin, refresh_s=arguments.refresh)
    await emulator.start(arguments.host, arguments.port)
    print(emulator.url, *emulator.tags, flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await emulator.stop()


def main() -> None:
    """Command line: prints the URL and the labels' addresses, runs until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m hardware.labels.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--tags", type=int, default=6, help="how many labels")
    parser.add_argument("--type", type=lambda text: int(text, 16), default=0x33, help="hex id, such as 33 or 2B")
    parser.add_argument("--checkin", type=float, default=3.0, help="seconds between a label's check-ins")
    parser.add_argument("--refresh", type=float, default=0.5, help="seconds a glass takes to change")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
