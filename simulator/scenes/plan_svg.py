"""Draws the store's floor plan as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from simulator.scenes.plan import Point, Polygon, Shelf, StorePlan

_CM = 100
_STYLE = """
.floor{fill:#f6f3ec}.wall{fill:none;stroke:#3b3f46;stroke-width:14;stroke-linejoin:miter}
.grid{stroke:#e6e1d5;stroke-width:1.5}.door{stroke:#f6f3ec;stroke-width:18}
.leaf{fill:none;stroke:#8a8f98;stroke-width:3}
.line{stroke:#2f7d5b;stroke-width:5;stroke-dasharray:16 10}
.lane{fill:#3d7fc4;fill-opacity:.14;stroke:#3d7fc4;stroke-width:3}
.zone{fill:#e0a33a;fill-opacity:.12;stroke:#d09020;stroke-width:2;stroke-dasharray:10 8}
.shelf{fill:#d9d4c8;stroke:#6d6a63;stroke-width:4}.board{stroke:#a8a397;stroke-width:3}
.label{fill:#fff;stroke:#3b3f46;stroke-width:2.5}.till{fill:#c9b79d;stroke:#6d6a63;stroke-width:4}
.device{fill:#3b3f46}.view{fill:#3b3f46;fill-opacity:.10}
text{font-family:system-ui,sans-serif;font-size:24px;fill:#3b3f46;text-anchor:middle;dominant-baseline:middle}
.small{font-size:19px;fill:#6a6f78}
"""


def plan_svg(plan: StorePlan) -> str:
    """SVG text; the view box is the store in centimetres, plan y pointing up."""
    width, depth = plan.width * _CM, plan.depth * _CM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {depth:g}" role="img">',
        f"<title>Store plan</title><style>{_STYLE}</style>",
        f'<rect class="floor" width="{width:g}" height="{depth:g}"/>',
        *_grid(plan),
        _polygon(plan, plan.lane, "lane"),
        *(_polygon(plan, shelf.zone, "zone") for shelf in plan.shelves),
        f'<rect class="wall" x="7" y="7" width="{width - 14:g}" height="{depth - 14:g}"/>',
        *_entrance(plan),
    ]
    for shelf in plan.shelves:
        parts += _shelf(plan, shelf)
    parts += [
        _polygon(plan, plan.till, "till"),
        _text(plan, _middle(plan.till), "Till"),
        _text(plan, _middle(plan.lane), "Check-in lane", small=True),
        _device(plan, plan.scanner),
        _text(plan, (plan.scanner[0], plan.scanner[1] + 0.25), "Scanner", small=True),
        *_camera(plan),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _xy(plan: StorePlan, point: Point) -> tuple[float, float]:
    return round(point[0] * _CM, 1), round((plan.depth - point[1]) * _CM, 1)


def _middle(polygon: Polygon) -> Point:
    return (sum(p[0] for p in polygon) / len(polygon), sum(p[1] for p in polygon) / len(polygon))


def _polygon(plan: StorePlan, polygon: Polygon, css: str) -> str:
    points = " ".join("{:g},{:g}".format(*_xy(plan, point)) for point in polygon)
    return f'<polygon class="{css}" points="{points}"/>'


def _line(plan: StorePlan, a: Point, b: Point, css: str) -> str:
    (x1, y1), (x2, y2) = _xy(plan, a), _xy(plan, b)
    return f'<line class="{css}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def _text(plan: StorePlan, at: Point, text: str, *, small: bool = False) -> str:
    x, y = _xy(plan, at)
    css = ' class="small"' if small else ""
    return f'<text{css} x="{x:g}" y="{y:g}">{escape(text)}</text>'


def _grid(plan: StorePlan) -> list[str]:
    upright = [_line(plan, (x, 0), (x, plan.depth), "grid") for x in range(1, int(plan.width))]
    level = [_line(plan, (0, y), (plan.width, y), "grid") for y in range(1, int(plan.depth))]
    return upright + level


def _entrance(plan: StorePlan) -> list[str]:
    (x, low), (_, high) = plan.entrance
    swing = (high - low) / 2 * _CM
    top, bottom = _xy(plan, (0.07, high)), _xy(plan, (0.07, low))
    leaves = "".join(
        f'<path class="leaf" d="M{x0:g},{y0:g} h{swing:g} a{swing:g},{swing:g} 0 0 {sweep} {-swing:g},{dy:g}"/>'
        for (x0, y0), sweep, dy in ((top, 1, swing), (bottom, 0, -swing))
    )
    return [
        _line(plan, (0.07, low), (0.07, high), "door"),
        leaves,
        _line(plan, (x, low), (x, high), "line"),
        _text(plan, (0.75, low - 0.25), "Entrance", small=True),
    ]


def _shelf(plan: StorePlan, shelf: Shelf) -> list[str]:
    across, along = shelf.facing
    label = (shelf.label[0] + 0.06 * across, shelf.label[1] + 0.06 * along)
    x, y = _xy(plan, label)
    wide, tall = (12, 34) if across else (34, 12)
    middle = _middle(shelf.footprint)
    sx, sy = _xy(plan, middle)
    turn = f' transform="rotate(-90 {sx:g} {sy:g})"' if across else ""
    return [
        _polygon(plan, shelf.footprint, "shelf"),
        f'<text{turn} x="{sx:g}" y="{sy:g}">{escape(shelf.name)}</text>',
        f'<rect class="label" x="{x - wide / 2:g}" y="{y - tall / 2:g}" width="{wide}" height="{tall}" rx="3"/>',
    ]


def _device(plan: StorePlan, at: Point) -> str:
    x, y = _xy(plan, at)
    return f'<circle class="device" cx="{x:g}" cy="{y:g}" r="9"/>'


def _camera(plan: StorePlan) -> list[str]:
    x, y = plan.floor_camera
    cone = ((x, y), (x - 2.2, y + 2.1), (x + 2.2, y + 2.1))
    return [_polygon(plan, cone, "view"), _device(plan, (x, y + 0.12))]
