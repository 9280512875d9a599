"""Recordings as cameras."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.clock import ManualClock, SystemClock
from hardware.cameras.base import CameraFrame
from hardware.cameras.file import FileCamera
from hardware.cameras.options import FileOptions
from hardware.cameras.thread import CameraState, CameraThread
from hardware.errors import EndOfRecording, PermanentError

FPS, FRAMES = 10.0, 25
RECORDED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "shop.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (160, 120))
    for number in range(FRAMES):
        writer.write(np.full((120, 160, 3), number * 10, np.uint8))
    writer.release()
    return path


def play(camera: FileCamera, most: int = 1000) -> list[CameraFrame]:
    camera.open()
    frames: list[CameraFrame] = []
    try:
        while len(frames) < most:
            frames.append(camera.read())
    except EndOfRecording:
        pass
    finally:
        camera.close()
    return frames


def test_times_come_from_the_recording_and_are_the_same_every_time(recording: Path) -> None:
    options = FileOptions(path=recording, pace="fast", recorded_at=RECORDED)
    runs = [play(FileCamera(options, ManualClock())) for _ in range(2)]
    assert [len(run) for run in runs] == [FRAMES, FRAMES]
    for frames in runs:
        for number, frame in enumerate(frames):
            assert frame.sequence == number
            assert abs(frame.captured_at - RECORDED - timedelta(seconds=number / FPS)) < timedelta(milliseconds=1)
            assert frame.captured_monotonic == pytest.approx(1000.0 + number / FPS, abs=1e-3)
            assert frame.image.mean() == pytest.approx(number * 10, abs=3)


def test_real_time_waits_for_each_frame(recording: Path) -> None:
    clock = ManualClock()
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds)

    frames = play(FileCamera(FileOptions(path=recording), clock, pause))
    assert len(frames) == FRAMES
    assert sum(waits) == pytest.approx((FRAMES - 1) / FPS, abs=1e-3)
    assert max(waits) == pytest.approx(1 / FPS, abs=1e-3)


def test_a_loop_goes_on_and_time_never_steps_back(recording: Path) -> None:
    frames = play(FileCamera(FileOptions(path=recording, pace="fast", loop=True), ManualClock()), most=60)
    steps = np.diff([frame.captured_monotonic for frame in frames])
    assert len(frames) == 60
    assert steps == pytest.approx(1 / FPS, abs=1e-3)
    assert frames[FRAMES].image.mean() == pytest.approx(0, abs=3)


def test_files_that_are_no_video_say_so(tmp_path: Path) -> None:
    text, empty = tmp_path / "notes.txt", tmp_path / "empty.mp4"
    text.write_text("not a video\n" * 200)
    empty.touch()
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(np.random.default_rng(1).bytes(20_000))
    for path, words in [
        (tmp_path / "missing.mp4", "There is no file"),
        (tmp_path, "is not a file"),
        (text, "not a video"),
        (empty, "not a video"),
        (noise, "not a video|no picture"),
    ]:
        with pytest.raises(PermanentError, match=words) as caught:
            play(FileCamera(FileOptions(path=path), ManualClock()))
        assert str(path) in str(caught.value)
        assert caught.value.advice


def test_a_file_that_may_not_be_read(recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(PermanentError, match="may not read"):
        FileCamera(FileOptions(path=recording), ManualClock()).open()


def test_a_recording_cut_short_ends_early(recording: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.avi"
    short.write_bytes(recording.read_bytes()[: recording.stat().st_size // 2])
    assert 0 < len(play(FileCamera(FileOptions(path=short, pace="fast"), ManualClock()))) < FRAMES


def test_the_thread_ends_with_the_recording(recording: Path) -> None:
    frames: list[CameraFrame] = []
    options = FileOptions(path=recording, pace="fast")
    thread = CameraThread.for_options(options, frames.append, clock=SystemClock(), name="replay")
    thread.start()
    thread._supervisor.join(10)
    assert (len(frames), thread.state, thread.counts.captured) == (FRAMES, CameraState.ENDED, FRAMES)
    assert thread.stop()
