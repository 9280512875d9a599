"""Pictures that stay JPEG until somebody looks at them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hardware.cameras.jpeg import JpegPicture, is_jpeg
from hardware.cameras.stall import fingerprint


def jpeg(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), np.uint8)
    return np.asarray(cv2.imencode(".jpg", cv2.resize(coarse, (width, height)))[1], np.uint8).ravel()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1366, 768), (17, 33)])
def test_size_and_brightness_are_known_without_decoding_the_whole(width: int, height: int) -> None:
    data = jpeg(width, height)
    picture = JpegPicture(data)
    assert picture.size == (width, height)
    assert picture.grey.shape == (-(-height // 8), -(-width // 8))
    assert picture.image.shape == (height, width, 3)
    np.testing.assert_array_equal(picture.image, cv2.imdecode(data, cv2.IMREAD_COLOR))
    assert picture.image is picture.image
    assert abs(float(picture.grey.mean()) - float(cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY).mean())) < (
        2 if width > 100 else 12
    )


def test_a_torn_picture_is_either_no_picture_or_of_its_full_size() -> None:
    """Which of them is the decoder's choice; what counts is that both forms agree."""
    data = jpeg(640, 360)
    for kept in (200, len(data) // 2, len(data) - 3):
        picture = JpegPicture(data[:kept])
        if picture.grey.size:
            assert picture.image.shape == (360, 640, 3)
        else:
            assert picture.image.size == 0


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + b"\0" * 40, b"<html>" * 9, bytes(range(256))]
)
def test_what_is_no_picture_is_empty(data: bytes) -> None:
    picture = JpegPicture(np.frombuffer(data, np.uint8))
    assert picture.size == (0, 0)
    assert picture.grey.size == 0
    assert picture.image.size == 0


def test_only_jpeg_is_taken_for_jpeg() -> None:
    assert is_jpeg(jpeg(64, 64))
    assert not is_jpeg(np.frombuffer(b"\x89PNG", np.uint8))
    assert not is_jpeg(np.zeros(0, np.uint8))


def test_a_repeated_picture_has_the_same_fingerprint_and_another_one_a_different() -> None:
    first, again, other = (JpegPicture(jpeg(64, 64, seed)) for seed in (1, 1, 2))
    assert fingerprint(first) == fingerprint(again) != fingerprint(other)
