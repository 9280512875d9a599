"""Routes of the floor page."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from calibration.web.draft import Draft
from calibration.web.floor_desk import FloorDesk
from calibration.web.pages import draw, language_of, static_file
from calibration.web.server import LIMIT_BYTES, PageServer, body


class FloorPage:
    """Joins the desk and HTTP."""

    def __init__(self, desk: FloorDesk, server: PageServer) -> None:
        self._desk = desk
        self._server = server

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=LIMIT_BYTES)
        app.router.add_get("/", self._page)
        app.router.add_get("/static/{name}", static_file)
        app.router.add_get("/api/start", self._start)
        app.router.add_post("/api/still", self._still)
        app.router.add_post("/api/markers", self._markers)
        app.router.add_post("/api/judge", self._judge)
        app.router.add_post("/api/save", self._save)
        return app

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return draw("floor", language_of(request), {"camera": self._desk.camera}, camera=self._desk.camera)

    async def _start(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(await self._server.do(self._desk.start))

    async def _still(self, _request: web.Request) -> web.StreamResponse:
        """A POST: another site must not be able to make the camera's picture appear."""
        jpeg, (width, height) = await self._server.do(self._desk.still)
        headers = {"X-Width": str(width), "X-Height": str(height)}
        return web.Response(body=jpeg, content_type="image/jpeg", headers=headers)

    async def _markers(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(await self._server.do(self._desk.markers))

    async def _judge(self, request: web.Request) -> web.StreamResponse:
        draft = await body(request, Draft)
        return web.json_response(await self._server.do(partial(self._desk.judge, draft)))

    async def _save(self, request: web.Request) -> web.StreamResponse:
        draft = await body(request, Draft)
        return web.json_response(await self._server.do(partial(self._desk.save, draft)))
