"""The simulated store's floor plan as data, in metres: x to the right, y away from the wall with the camera."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.scenes.plan_svg import plan_svg as _draw

Point = tuple[float, float]
Polygon = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A gondola: a box on the floor, the place of its label, and the zone where people stand before it."""

    id: str
    name: str
    name_ru: str
    x1: float
    y1: float
    x2: float
    y2: float
    height: float
    zone: Polygon
    label: Point
    facing: tuple[int, int]
    """Direction its front looks in."""
    stand: Point
    """Where a customer naturally stands to look at it."""

    @property
    def footprint(self) -> Polygon:
        return ((self.x1, self.y1), (self.x2, self.y1), (self.x2, self.y2), (self.x1, self.y2))


@dataclass(frozen=True, slots=True)
class StorePlan:
    """Everything that stands in the store and every line drawn on its floor."""

    width: float
    depth: float
    wall_height: float
    shelves: tuple[Shelf, ...]
    entrance: tuple[Point, Point]
    """The line people cross on coming in, in the opening of the left wall."""
    inside: Point
    """A point on the inner side of the entrance line."""
    lane: Polygon
    """The consent lane: who walks here chose to be recognised."""
    scanner: Point
    """Where the check-in scanner stands."""
    scanner_stand: Point
    till: Polygon
    till_stand: Point
    floor_camera: Point
    camera_height: float

    @property
    def walls(self) -> Polygon:
        return ((0.0, 0.0), (self.width, 0.0), (self.width, self.depth), (0.0, self.depth))

    @property
    def scanner_footprint(self) -> Polygon:
        x, y = self.scanner
        return ((x - 0.14, y - 0.1), (x + 0.14, y - 0.1), (x + 0.14, y + 0.1), (x - 0.14, y + 0.1))

    def shelf(self, shelf_id: str) -> Shelf:
        """The shelf of that id; KeyError when there is none."""
        for shelf in self.shelves:
            if shelf.id == shelf_id:
                return shelf
        raise KeyError(shelf_id)


def _back_wall(shelf_id: str, name: str, name_ru: str, x1: float) -> Shelf:
    x2, y1 = x1 + 2.0, 7.45
    zone = ((x1 - 0.1, y1 - 1.25), (x2 + 0.1, y1 - 1.25), (x2 + 0.1, y1 - 0.05), (x1 - 0.1, y1 - 0.05))
    middle = (x1 + x2) / 2
    return Shelf(shelf_id, name, name_ru, x1, y1, x2, 8.0, 2.0, zone, (middle, y1), (0, -1), (middle, y1 - 0.6))


def _island(shelf_id: str, name: str, name_ru: str, x1: float) -> Shelf:
    x2, y1, y2 = x1 + 2.0, 4.15, 4.7
    zone = ((x1 - 0.1, y1 - 1.2), (x2 + 0.1, y1 - 1.2), (x2 + 0.1, y1 - 0.05), (x1 - 0.1, y1 - 0.05))
    middle = (x1 + x2) / 2
    return Shelf(shelf_id, name, name_ru, x1, y1, x2, y2, 0.55, zone, (middle, y1), (0, -1), (middle, y1 - 0.6))


STORE = StorePlan(
    width=10.0,
    depth=8.0,
    wall_height=3.2,
    shelves=(
        _back_wall("headphones", "Headphones", "Наушники", 1.9),
        _back_wall("speakers", "Speakers", "Колонки", 4.25),
        _back_wall("turntables", "Turntables", "Проигрыватели", 6.6),
        _island("players", "Players", "Плееры", 2.7),
        _island("microphones", "Microphones", "Микрофоны", 5.4),
        Shelf(
            "cables",
            "Cables",
            "Кабели",
            9.45,
            4.0,
            10.0,
            5.9,
            2.0,
            ((8.2, 3.9), (9.4, 3.9), (9.4, 6.0), (8.2, 6.0)),
            (9.45, 4.95),
            (-1, 0),
            (8.7, 4.95),
        ),
    ),
    entrance=((0.45, 4.6), (0.45, 6.0)),
    inside=(1.8, 5.3),
    lane=((0.5, 4.6), (2.2, 4.6), (2.2, 6.0), (0.5, 6.0)),
    scanner=(1.2, 6.25),
    scanner_stand=(1.2, 5.65),
    till=((8.5, 2.5), (9.1, 2.5), (9.1, 3.6), (8.5, 3.6)),
    till_stand=(8.0, 3.3),
    floor_camera=(5.0, 0.05),
    camera_height=2.9,
)


def plan_svg(plan: StorePlan = STORE) -> str:
    """The plan as an SVG picture, one unit = one centimetre, y upwards as on the plan; for the manager's page."""
    return _draw(plan)
