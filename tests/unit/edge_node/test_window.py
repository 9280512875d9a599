"""The send window: what is under way, when it goes out again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.window import Window, WindowPolicy
from hardware.backoff import BackoffPolicy

POLICY = WindowPolicy(size=10, probe=3, patience=BackoffPolicy(first_s=3, factor=2, limit_s=30, jitter=0))


def send_all(window: Window, last: int, now: float) -> Window:
    while window.room() and window.cursor < last:
        window = window.sent(window.cursor + 1, now, 0.0)
    return window


def test_only_a_window_of_events_is_under_way_and_receipts_make_room() -> None:
    window = send_all(Window(POLICY), 100, 0.0)
    assert (window.cursor, window.room()) == (10, 0)
    window = window.receipted(4, 1.0, 0.0)
    assert window.room() == 4
    assert window.tick(3.5).cursor == 10  # progress restarted the wait


def test_silence_resends_from_the_oldest_with_growing_patience_and_a_small_probe() -> None:
    window = send_all(Window(POLICY), 100, 0.0)
    now, gaps = 0.0, []
    for _ in range(6):
        assert window.resend_at is not None
        gaps.append(window.resend_at - now)
        now = window.resend_at
        window = window.tick(now)
        assert (window.cursor, window.room()) == (0, 3)
        window = send_all(window, 100, now)
        assert window.cursor == 3
    assert gaps == [3, 6, 12, 24, 30, 30]
    window = window.receipted(3, now, 0.0)
    assert window.room() == 10


def test_nothing_is_sent_again_while_nothing_is_under_way() -> None:
    window = send_all(Window(POLICY), 5, 0.0).receipted(5, 1.0, 0.0)
    assert window.resend_at is None
    assert window.tick(1e9) == window


@given(st.lists(st.tuples(st.sampled_from(["send", "receipt", "tick", "reconnect"]), st.integers(0, 40))))
def test_the_window_never_skips_an_event_without_receipt(steps: list[tuple[str, int]]) -> None:
    """Model: everything up to the cursor was handed over on this connection or is receipted."""
    window, now, handed, watermark = Window(POLICY), 0.0, set[int](), 0
    for step, amount in steps:
        now += amount / 10
        if step == "send":
            for _ in range(min(amount, window.room())):
                window = window.sent(window.cursor + 1, now, 0.5)
                handed.add(window.cursor)
        elif step == "receipt":
            watermark = max(watermark, min(amount, window.cursor))
            window = window.receipted(watermark, now, 0.5)
        elif step == "tick":
            window = window.tick(now)
        else:
            handed.clear()
            window = window.reconnected(watermark)
        assert set(range(watermark + 1, window.cursor + 1)) <= handed
        assert window.cursor - window.watermark <= POLICY.size
        assert (window.resend_at is not None) == (window.cursor > window.watermark)
