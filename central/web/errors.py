"""Errors as pages a person understands; programs and htmx get the plain answer of the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from central.web import assets, i18n
from central.web.page import NoStoreError, render

Handler = Callable[[Request, Exception], Awaitable[Response]]
_PASSED_ON: Final = frozenset({301, 302, 303, 304, 307, 308})


def wants_page(request: Request) -> bool:
    """Whether the caller is a person with a browser: not the API, not a fragment, not a program."""
    if request.url.path.startswith(("/api/", "/static/")) or "hx-request" in request.headers:
        return False
    return "text/html" in request.headers.get("accept", "")


def install(app: FastAPI) -> None:
    """Wrap the handlers that are there already."""
    plain: Handler = cast("Handler", app.exception_handlers.get(HTTPException, http_exception_handler))

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code in _PASSED_ON or not wants_page(request):
            return await plain(request, error)
        return message(request, error.status_code)

    def for_people(kind: type[Exception], status: int) -> None:
        before = cast("Handler | None", app.exception_handlers.get(kind))

        async def explained(request: Request, error: Exception) -> Response:
            if wants_page(request):
                return message(request, status)
            if before is None:
                raise error
            return await before(request, error)

        app.add_exception_handler(kind, explained)

    async def crashed(request: Request, error: Exception) -> Response:
        # Starlette logs the traceback and raises on; this is only what the person sees.
        if wants_page(request):
            return message(request, 500)
        return JSONResponse({"detail": "internal error; it has been logged"}, 500)

    async def empty(request: Request, error: Exception) -> Response:
        return no_store(request)

    for_people(RequestValidationError, 404)
    for_people(SQLAlchemyError, 503)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(500, crashed)
    app.add_exception_handler(NoStoreError, empty)


def message(request: Request, status: int) -> Response:
    """A page for a status."""
    _ = i18n.translations(i18n.choose(request)).gettext
    title, text = {
        401: (_("Please sign in"), _("Your session has ended.")),
        403: (_("Not for this account"), _("Ask a manager or an administrator if you need this page.")),
        404: (_("Nothing here"), _("The page does not exist, or it belongs to another store.")),
        503: (_("Not available just now"), _("The database does not answer. Try again in a moment.")),
        429: (_("A little too fast"), _("Wait a few minutes and try again.")),
    }.get(
        status,
        (
            _("Something went wrong"),
            _("It has been logged. Try again; if it stays, tell whoever looks after the system."),
        ),
    )
    link = ("/login", _("Sign in")) if status == 401 else ("/arrivals", _("Back to arrivals"))
    return _page(request, status, {"code": str(status), "title": title, "text": text, "link": link})


def no_store(request: Request) -> Response:
    """Nothing has been imported yet."""
    _ = i18n.translations(i18n.choose(request)).gettext
    text = _("No store has been imported yet. An administrator does it with: %s") % "python -m central import FILE.json"
    link = ("/arrivals", _("Try again"))
    return _page(request, 200, {"code": "", "title": _("Almost there"), "text": text, "link": link})


def _page(request: Request, status: int, values: dict[str, object]) -> Response:
    return render(request, "message.html", values, status)


def not_installed(request: Request) -> Response | None:
    """The page that stands in while the browser libraries are missing; None when they are there."""
    gone = assets.missing()
    if gone is None:
        return None
    _ = i18n.translations(i18n.choose(request)).gettext
    text = _("The browser libraries are not installed. Run this command in the project’s folder: %s") % assets.INSTALL
    return _page(request, 503, {"code": "503", "title": _("Not complete yet"), "text": text, "link": None})
