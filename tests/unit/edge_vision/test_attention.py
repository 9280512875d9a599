"""Which part of a picture the face detector is given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from edge.motion import COLUMNS, ROWS, overview
from edge.values import Box
from edge.vision.attention import Attention

SIZE = (1280, 720)
NOBODY: list[Box] = []
LANE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
Cells = npt.NDArray[np.int16]


def still(level: float = 90.0) -> Cells:
    return np.full((ROWS, COLUMNS), level, np.int16)


def with_person(column: int, row: int, level: float = 90.0) -> Cells:
    cells = still(level)
    cells[row : row + 4, column : column + 3] += 60
    return cells


def covers(region: Box | None, column: int, row: int) -> bool:
    if region is None:
        return False
    x, y = column * 16, row * 16
    return region[0] <= x and region[1] <= y and region[2] >= x + 48 and region[3] >= y + 64


def test_the_first_picture_is_looked_at_wholly_and_a_still_one_not_again_until_it_is_time() -> None:
    attention = Attention()
    looks = [attention.step(still(), SIZE, NOBODY, n / 10) for n in range(50)]
    assert looks[0] == (0, 0, 1280, 720)
    assert [n for n, look in enumerate(looks) if look] == [0, 20, 40]


def test_what_moves_is_looked_at_and_little_else() -> None:
    attention = Attention()
    attention.step(still(), SIZE, NOBODY, 0.0)
    look = attention.step(with_person(20, 10), SIZE, NOBODY, 0.1)
    assert covers(look, 20, 10)
    assert look is not None
    assert (look[2] - look[0]) * (look[3] - look[1]) < 0.05 * 1280 * 720


def test_what_moved_is_looked_at_again_for_a_moment_and_then_left() -> None:
    attention = Attention()
    attention.step(still(), SIZE, NOBODY, 0.0)
    looks = [attention.step(with_person(20, 10), SIZE, NOBODY, 0.1 + n / 10) for n in range(18)]
    assert all(covers(look, 20, 10) for look in looks[:3])
    assert looks[8:] == [None] * 10


def test_a_change_outside_the_part_looked_at_is_not_forgotten() -> None:
    """It grows too slowly to be a change from one picture to the next: what counts is the last look at it."""
    attention = Attention()
    attention.step(still(), SIZE, NOBODY, 0.0)
    seen = False
    for n in range(1, 15):
        cells = with_person(60, 8 + n % 2)
        cells[20:24, 10:13] += 2 * n
        seen = seen or covers(attention.step(cells, SIZE, NOBODY, n / 10), 10, 20)
    assert seen


def test_lamps_are_no_movement() -> None:
    attention = Attention()
    attention.step(still(90), SIZE, NOBODY, 0.0)
    assert attention.step(still(140), SIZE, NOBODY, 0.1) is None


def test_who_is_followed_is_looked_at_even_standing_still() -> None:
    attention = Attention()
    attention.step(still(), SIZE, NOBODY, 0.0)
    look = attention.step(still(), SIZE, [(600.0, 300.0, 660.0, 380.0)], 0.1)
    assert look == (540.0, 240.0, 720.0, 440.0)


def test_outside_the_lane_nobody_is_looked_for() -> None:
    attention = Attention(LANE)
    first = attention.step(still(), SIZE, NOBODY, 0.0)
    assert first is not None
    assert first[0] > 0.15 * 1280
    assert first[3] < 0.85 * 720
    assert attention.step(with_person(1, 1), SIZE, NOBODY, 0.1) is None
    assert covers(attention.step(with_person(40, 20), SIZE, NOBODY, 0.2), 40, 20)


@given(
    boxes=st.lists(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True)] * 4), max_size=4),
    cells=st.integers(0, 2**32 - 1),
)
def test_a_look_is_always_inside_the_picture(boxes: list[Box], cells: int) -> None:
    attention = Attention()
    noise = np.random.default_rng(cells).uniform(0, 255, (2, ROWS, COLUMNS)).astype(np.int16)
    for n in range(2):
        look = attention.step(noise[n], SIZE, boxes, n / 10)
        assert look is not None
        assert 0 <= look[0] < look[2] <= 1280
        assert 0 <= look[1] < look[3] <= 720


def test_an_overview_is_the_pictures_brightness_in_cells() -> None:
    picture = np.zeros((720, 1280, 3), np.uint8)
    picture[160:320, 640:800] = 200
    cells = overview(picture)
    assert cells is not None
    assert cells.shape == (ROWS, COLUMNS)
    assert (cells[10:20, 40:50] == 200).all()
    assert cells.sum() == 200 * 100
    assert overview(np.zeros((0, 0, 3), np.uint8)) is None
    assert overview(np.zeros((5, 5), np.uint8)) is None
