"""The customer's own page as an installable application: shell, manifest, worker.

The first page is public: it holds nothing about anybody, so a phone may keep it; the script signs in.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from central.web import assets, errors, i18n
from central.web.page import render
from contract.events import PURPOSES

router = APIRouter(include_in_schema=False)
MODULES: Final = ("checkin", "keystore", "me_api", "nfc", "qr", "texts")
"""Scripts that other scripts import, by plain address."""
_FILES: Final = ("css/base.css", "css/pages.css", "css/me.css", "img/mark.svg", "js/app.js", "js/me.js")
_ICONS: Final = (
    ("img/mark.svg", "any", "image/svg+xml", "any"),
    ("img/icon-192.png", "192x192", "image/png", "any"),
    ("img/icon-512.png", "512x512", "image/png", "any"),
    ("img/icon-512.png", "512x512", "image/png", "maskable"),
)


@router.get("/me")
async def show(request: Request) -> Response:
    """The page; its script does the rest."""
    gone = errors.not_installed(request)
    if gone is not None:
        return gone
    ways = request.app.state.office.ways
    return render(request, "me.html", {"purposes": PURPOSES, "ways": ways})


@router.get("/me/offline")
async def offline(request: Request) -> Response:
    """What the worker shows instead of a page it cannot reach."""
    return errors.not_installed(request) or render(request, "me_offline.html", {})


@router.get("/me/app.webmanifest")
async def manifest(request: Request) -> Response:
    """Browsers ask for it without cookies: the language is in the address."""
    language = i18n.choose(request)
    _ = i18n.translations(language).gettext
    described = {
        "id": "/me",
        "name": _("Vitrina: my check-in"),
        "short_name": "Vitrina",
        "description": _("Check in at the shop, scan products, see your own price."),
        "lang": language,
        "start_url": "/me",
        "scope": "/me",
        "display": "standalone",
        "background_color": "#f5f4f0",
        "theme_color": "#0b6a5b",
        "icons": [
            {"src": assets.own_url(file), "sizes": size, "type": kind, "purpose": purpose}
            for file, size, kind, purpose in _ICONS
        ],
        "shortcuts": [{"name": _("Scan a product"), "url": "/me/scan"}],
    }
    return JSONResponse(described, media_type="application/manifest+json", headers={"Cache-Control": "no-cache"})


@router.get("/me/worker.js")
async def worker() -> Response:
    """The service worker with the list of what it keeps; a new list is a new worker."""
    headers = {"Service-Worker-Allowed": "/me", "Cache-Control": "no-cache"}
    return Response(_worker(), media_type="text/javascript", headers=headers)


@cache
def _worker() -> str:
    source = (assets.STATIC / "js" / "worker.js").read_text(encoding="utf-8")
    kept = shell()
    mark = hashlib.sha256(source.encode())
    for name in sorted([*_FILES, *(f"js/{module}.js" for module in MODULES)]):
        mark.update((assets.STATIC / name).read_bytes())
    said = json.dumps({"version": mark.hexdigest()[:12], "urls": kept})
    return f"const SHELL = {said};\n{source}"


def shell() -> list[str]:
    """Every address the check-in needs without a connection."""
    vendors = (("htmx.org", "htmx.js"), ("qrcode-generator", "qrcode.js"))
    return [
        "/me",
        "/me/offline",
        *(assets.own_url(name) for name in _FILES),
        *(f"/static/js/{name}.js" for name in MODULES),
        *(assets.vendor_url(package, name) for package, name in vendors),
    ]
