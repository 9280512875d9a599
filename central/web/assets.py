"""Browser libraries out of node_modules, by an explicit list: nothing else of npm is reachable over HTTP."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
NODE_MODULES: Final = HERE / "node_modules"
INSTALL: Final = "npm ci --prefix central/web --ignore-scripts"

VENDOR: Final[dict[str, dict[str, str]]] = {
    "htmx.org": {"htmx.js": "dist/htmx.min.js", "hx-sse.js": "dist/ext/hx-sse.min.js"},
    "leaflet": {"leaflet.js": "dist/leaflet.js", "leaflet.css": "dist/leaflet.css"},
    "simpleheat": {"simpleheat.js": "simpleheat.js"},
    "uplot": {"uplot.js": "dist/uPlot.iife.min.js", "uplot.css": "dist/uPlot.min.css"},
    "qrcode-generator": {"qrcode.js": "dist/qrcode.js"},
    "jsqr": {"jsqr.js": "dist/jsQR.js"},
}
"""Package -> name in the address -> file inside the package."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What `npm ci` has not brought, or has brought broken."""

    files: tuple[str, ...]

    def __str__(self) -> str:
        return f"Browser libraries are not installed ({', '.join(self.files)}). Run: {INSTALL}"


def missing(root: Path = NODE_MODULES) -> Missing | None:
    """The listed files that are not there; None when all are."""
    gone = [f"{package}/{file}" for package, files in VENDOR.items() for file in files.values()]
    gone = [name for name in gone if not (root / name).is_file()]
    return Missing(tuple(gone)) if gone else None


@cache
def version(package: str, root: Path = NODE_MODULES) -> str:
    """The installed version of a listed package, from its package.json; "0" when it is not installed."""
    try:
        manifest = json.loads((root / package / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "0"
    return str(manifest.get("version", "0"))


def vendor_url(package: str, name: str) -> str:
    """Address of a library; the version is in it, so that browsers may keep it for ever."""
    if name not in VENDOR[package]:
        raise KeyError(f"{package}/{name} is not in the list of browser libraries")
    return f"/static/vendor/{package}@{version(package)}/{name}"


def vendor_file(folder: str, name: str, root: Path = NODE_MODULES) -> Path | None:
    """The file behind `/static/vendor/{package}@{version}/{name}`; None for whatever is not listed."""
    package, _, wanted = folder.rpartition("@")
    inside = VENDOR.get(package, {}).get(name)
    if inside is None or wanted != version(package, root):
        return None
    path = root / package / inside
    return path if path.is_file() else None


@cache
def own_url(name: str) -> str:
    """Address of a file of ours under static/, with a mark of its content."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"
