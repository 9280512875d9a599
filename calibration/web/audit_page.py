"""Routes of the audit page."""

from __future__ import annotations

from functools import partial

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from calibration.web.audit_desk import AuditDesk, Counted
from calibration.web.pages import draw, language_of, static_file
from calibration.web.server import LIMIT_BYTES, PageServer, body


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    at: float = Field(ge=0, le=1e7, allow_inf_nan=False)


class AuditPage:
    """Joins the desk and HTTP."""

    def __init__(self, desk: AuditDesk, camera: str, server: PageServer) -> None:
        self._desk = desk
        self._camera = camera
        self._server = server

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=LIMIT_BYTES)
        app.router.add_get("/", self._page)
        app.router.add_get("/static/{name}", static_file)
        app.router.add_get("/api/start", self._start)
        app.router.add_post("/api/frame", self._frame)
        app.router.add_post("/api/compare", self._compare)
        app.router.add_post("/api/save", self._save)
        app.on_cleanup.append(self._close)
        return app

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return draw("audit", language_of(request), {"camera": self._camera}, camera=self._camera)

    async def _start(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(await self._server.do(self._desk.start))

    async def _frame(self, request: web.Request) -> web.StreamResponse:
        wish = await body(request, _Wish)
        jpeg, at = await self._server.do(partial(self._desk.frame, wish.at))
        return web.Response(body=jpeg, content_type="image/jpeg", headers={"X-Seconds": f"{at:.3f}"})

    async def _compare(self, request: web.Request) -> web.StreamResponse:
        counted = await body(request, Counted)
        return web.json_response(await self._server.do(partial(self._desk.compare, counted)))

    async def _save(self, request: web.Request) -> web.StreamResponse:
        counted = await body(request, Counted)
        return web.json_response(await self._server.do(partial(self._desk.save, counted)))

    async def _close(self, _app: web.Application) -> None:
        await self._server.do(self._desk.close)
