"""The periodic health message and the birth certificate."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import get_args

from contract.state import Crossing, Health, Status
from edge.config.model import EdgeConfig
from edge.keys import NodeKey
from edge.labels.gateway import LabelCounts
from edge.model_cards import model_cards
from edge.outbox.store import Backlog
from edge.perception import Perception
from edge.policy import PolicyDecision

_THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
_STATM = Path("/proc/self/statm")


def birth(config: EdgeConfig, session: str, key: NodeKey, decision: PolicyDecision, started: datetime) -> Status:
    """Who this node is and what it runs."""
    drivers: dict[str, str] = {camera.id: camera.source.driver for camera in config.cameras}
    drivers |= {scanner.id: scanner.source.driver for scanner in config.scanners}
    if config.labels is not None:
        drivers["labels"] = config.labels.source.driver
    return Status(
        state="online",
        session=session,
        version=_version(),
        started_at=started,
        public_key=key.public,
        drivers=drivers,
        models=model_cards(config, decision.mode),
        policy=decision.state(),
    )


def health(
    perception: Perception, backlog: Backlog, labels: LabelCounts, refused: dict[str, int], state_dir: Path,
    uptime_s: float, events_shed: int,
) -> Health:  # fmt: skip
    """Counters of now."""
    counters = perception.counters()
    return Health(
        uptime_s=round(uptime_s, 3),
        cameras=perception.camera_health(),
        outbox_depth=backlog.depth,
        outbox_oldest_s=round(backlog.oldest_s, 3),
        outbox_bytes=backlog.used_bytes,
        events_shed=events_shed,
        gallery_subjects=perception.gallery.subjects,
        decisions={key: count for key, count in counters.decisions.items() if key in _DECISIONS},
        checkins=dict(list(counters.checkins.items())[:12]),
        identities={key: counters.visits[key] for key in _IDENTITIES if key in counters.visits},
        crossings={key: counters.crossings[key] for key in _CROSSINGS if key in counters.crossings},
        neighbours=perception.neighbours(),
        neighbours_off=perception.neighbours_off(),
        embedder_calls=counters.embedder_calls,
        threshold=perception.threshold()[:200],
        commands_refused=refused,
        labels_personal=labels.personal,
        labels_pending=labels.pending,
        labels_unreachable=labels.unreachable,
        disk_free_mb=shutil.disk_usage(state_dir).free // 2**20,
        rss_mb=_rss_mb(),
        load=round(os.getloadavg()[0], 2),
        temperature_c=_temperature_c(),
    )


_IDENTITIES = ("attached", "unattached", "ambiguous", "identity_lost", "identity_doubted")
_CROSSINGS: tuple[Crossing, ...] = get_args(Crossing)
_DECISIONS = frozenset({"known", "stranger", "unrecognisable", "refused"})


def _version() -> str:
    try:
        return version("vitrina")
    except PackageNotFoundError:
        return "source"


def _rss_mb() -> int:
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def _temperature_c() -> float | None:
    try:
        return int(_THERMAL.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None
