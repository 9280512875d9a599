"""Puts the pages, their static files and the friendly error pages into central's application."""

from __future__ import annotations

import logging
from typing import Final

from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.responses import FileResponse, RedirectResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from central.web import assets, errors
from central.web.pages import (
    analytics,
    api,
    arrivals,
    card,
    codes,
    contribution,
    floor,
    labels,
    login,
    me,
    me_mine,
    me_shop,
    people,
    prices,
    site,
    system,
)

_LOG: Final = logging.getLogger(__name__)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"

router = APIRouter(include_in_schema=False)


@router.get("/static/vendor/{folder}/{name}")
async def vendor(folder: str, name: str) -> FileResponse:
    """A listed browser library; 404 for anything else."""
    path = assets.vendor_file(folder, name)
    if path is None:
        raise HTTPException(404, "no such file")
    return FileResponse(path, headers={"Cache-Control": _FOR_EVER})


@router.get("/")
async def root() -> RedirectResponse:
    """The front door."""
    return RedirectResponse("/arrivals", 303)


class OwnFiles(StaticFiles):
    """Our own scripts and styles: kept by the browser, asked for again by ETag at every load."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = _ASK_FIRST
        return response


def mount(app: FastAPI) -> None:
    """Add everything of this package. Without node_modules the pages say what to run, and so does the log."""
    gone = assets.missing()
    if gone is not None:
        _LOG.error("%s", gone)
    app.include_router(router)
    for page in (
        login,
        arrivals,
        card,
        floor,
        labels,
        prices,
        contribution,
        system,
        site,
        api,
        me,
        me_shop,
        me_mine,
        codes,
        people,
        analytics,
    ):
        app.include_router(page.router)
    app.mount("/static", OwnFiles(directory=assets.STATIC), name="static")
    app.state.login_page = login.failed
    errors.install(app)
