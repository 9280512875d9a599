"""Signing in. The form is answered by central.staff; a failure comes back here."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from central.web import errors, i18n
from central.web.page import render

router = APIRouter(include_in_schema=False)
_STATUS: Final = {"wrong": 401, "limited": 429, "csrf": 403}


@router.get("/login")
async def show(request: Request, next: str = "/arrivals") -> Response:  # noqa: A002 - the parameter's public name
    """The form."""
    return errors.not_installed(request) or _form(request, next)


async def failed(request: Request, error_code: str) -> Response:
    """The form again, with what was wrong and the name already typed; never the password."""
    form = await request.form()
    _ = i18n.translations(i18n.choose(request)).gettext
    text = {
        "wrong": _("The name or the password is not right."),
        "limited": _("Too many tries. Wait a few minutes."),
    }.get(error_code, _("The form was too old. Try again."))
    return _form(request, str(form.get("next") or ""), str(form.get("name") or ""), text, _STATUS.get(error_code, 400))


def _form(request: Request, target: str, name: str = "", error: str = "", status: int = 200) -> Response:
    values = {"next": local(target), "name": name[:80], "error": error, "path": "/login"}
    return render(request, "login.html", values, status)


def local(target: str) -> str:
    """Only a path of this site is a place to go on to: no scheme, host or backslash."""
    if not target.startswith("/") or target.startswith("//") or "\\" in target or "\n" in target or "\r" in target:
        return "/arrivals"
    return target
