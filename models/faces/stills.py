"""How large the detector's input should be for a still photograph (enrolment, evaluation)."""

from __future__ import annotations

from models.letterbox import Size

SMALLEST = 192
LARGEST = 640


def still_input_size(height: int, width: int) -> Size:
    """Width and height that keep the photo's shape, near its own resolution within 192..640 pixels.

    Below that the network's anchors miss large faces; above, time is spent and nothing is gained.
    """
    longest = max(height, width)
    target = min(max(longest, SMALLEST), LARGEST)
    return round(width * target / longest), round(height * target / longest)
