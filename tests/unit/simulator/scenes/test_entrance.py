"""The entrance: people grow as they come, and stand where the truth says."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.footage import Footage


@pytest.fixture(scope="module")
def scene(footage: Footage) -> EntranceScene:
    return EntranceScene(footage, seed=3)


def test_a_face_grows_from_far_to_near(scene: EntranceScene) -> None:
    walker = EntranceWalker("franck", 0.0, lane=-0.3)
    widths = [t.width for k in range(90) for t in scene.truth(k / 15, [walker])]
    assert widths[0] <= 32
    assert max(widths) >= 110
    assert widths == sorted(widths)
    usable = sum(width >= 40 for width in widths) / 15
    assert 2.0 <= usable <= 6.0, "seconds with a usable face"


def test_nobody_before_the_start_and_after_the_end(scene: EntranceScene) -> None:
    walker = EntranceWalker("franck", 5.0)
    assert scene.truth(4.9, [walker]) == ()
    assert scene.truth(5.0 + walker.duration, [walker]) == ()
    assert (scene.render(4.9, [walker]) == scene.render(4.9, [])).all()


def test_the_face_is_drawn_in_its_box(scene: EntranceScene) -> None:
    walker = EntranceWalker("cage", 0.0, lane=0.3)
    for t in (2.0, 3.0, 4.0, 5.0):
        (truth,) = scene.truth(t, [walker])
        x1, y1, x2, y2 = (round(v) for v in truth.box)
        change = np.abs(scene.render(t, [walker]).astype(int) - scene.render(t, [])).max(axis=2)
        assert (change[y1:y2, x1:x2] > 20).mean() > 0.7


def test_who_is_nearer_covers_who_is_behind(scene: EntranceScene) -> None:
    walkers = [EntranceWalker("franck", 0.0), EntranceWalker("cage", 1.2)]
    far, near = scene.truth(4.0, walkers)
    assert (far.identity, near.identity) == ("cage", "franck")
    assert near.visible == 1.0
    assert far.visible < 1.0


def test_faces_of_people_in_the_lane_lie_inside_its_outline(scene: EntranceScene) -> None:
    import cv2

    outline = (np.array(scene.lane) * (1280, 720)).astype(np.float32)
    for lane in (-0.5, 0.0, 0.5):
        walker = EntranceWalker("cage", 0.0, lane=lane)
        for t in (2.2, 3.0, 4.0, 4.8):
            (truth,) = scene.truth(t, [walker])
            middle = ((truth.box[0] + truth.box[2]) / 2, (truth.box[1] + truth.box[3]) / 2)
            assert cv2.pointPolygonTest(outline, middle, False) > 0


def test_somebody_without_footage_is_refused(scene: EntranceScene) -> None:
    with pytest.raises(KeyError):
        scene.render(1.0, [EntranceWalker("nobody", 0.0)])
