"""Security headers on every answer, and how errors of ours become answers."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.staff.access import LoginRequiredError, login_address

log = logging.getLogger(__name__)
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
}


class SecurityHeaders:
    """ASGI middleware; does not buffer, so that streams stay streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(("/api/", "/me")):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


def add_handlers(app: FastAPI) -> None:
    """Answers for errors that routes do not answer themselves."""

    async def to_login(request: Request, error: Exception) -> Response:
        address = login_address(request)
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": address})
        return RedirectResponse(address, 303)

    async def no_database(request: Request, error: Exception) -> Response:
        log.error("database: %s while answering %s", type(error).__name__, request.url.path)
        return JSONResponse({"detail": "the database does not answer; try again"}, 503)

    app.add_exception_handler(LoginRequiredError, to_login)
    app.add_exception_handler(SQLAlchemyError, no_database)
