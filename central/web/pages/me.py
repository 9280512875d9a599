"""The customer's own page. Public: it holds nothing about anybody; the phone signs in through /api/v1/me."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from central.web import errors
from central.web.page import render
from contract.events import PURPOSES

router = APIRouter(include_in_schema=False)


@router.get("/me")
async def show(request: Request) -> Response:
    """The page; its script does the rest."""
    return errors.not_installed(request) or render(request, "me.html", {"purposes": PURPOSES})
