"""How people are tracked: the one set of settings that a node runs and that an evaluation measures."""

from __future__ import annotations

from tracking.tracker import TrackerSettings

MIN_SCORE = 0.4
"""Score from which a detection is believed, where a configuration does not say (`floor.min_person_score`)."""
MAX_LOST_S = 1.5
"""How long somebody hidden is waited for, where a configuration does not say (`floor.max_lost_s`)."""
_WEAK = 0.2
_START = 0.05


def person_tracking(min_score: float = MIN_SCORE, max_lost_s: float = MAX_LOST_S) -> TrackerSettings:
    """Tracker settings for people, from the score at which a detection is believed."""
    return TrackerSettings(high=min_score, low=_WEAK, new=min(min_score + _START, 0.95), max_lost_s=max_lost_s)
