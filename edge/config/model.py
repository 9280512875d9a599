"""The whole file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from edge.config.connections import BrokerConfig, LabelsConfig, TrustConfig
from edge.config.counters import CounterConfig
from edge.config.fields import Name, Section
from edge.config.kiosk import KioskConfig
from edge.config.vision import (
    CameraConfig,
    FloorConfig,
    LineConfig,
    ModelsConfig,
    PolicyConfig,
    RecognitionConfig,
    ScannerConfig,
    VisitsConfig,
    ZoneConfig,
)


class EdgeConfig(Section):
    """Configuration of one node. Relative paths are taken from the folder of the file."""

    store: Name
    node: Name
    state_dir: Path
    broker: BrokerConfig | None = None
    trust: TrustConfig | None = None
    policy: PolicyConfig = PolicyConfig()
    models: ModelsConfig = ModelsConfig()
    recognition: RecognitionConfig = RecognitionConfig()
    floor: FloorConfig = FloorConfig()
    cameras: tuple[CameraConfig, ...] = Field(default=(), max_length=16)
    scanners: tuple[ScannerConfig, ...] = Field(default=(), max_length=16)
    zones: tuple[ZoneConfig, ...] = Field(default=(), max_length=200)
    lines: tuple[LineConfig, ...] = Field(default=(), max_length=50)
    counters: tuple[CounterConfig, ...] = Field(default=(), max_length=16)
    """Cameras of others that count over MQTT (ONVIF Profile M)."""
    plan: Path | None = None
    """Written by `python -m calibration floor`: its zones and lines are added to those of this file."""
    labels: LabelsConfig | None = None
    visits: VisitsConfig = VisitsConfig()
    kiosk: KioskConfig | None = None

    def camera(self, camera_id: str) -> CameraConfig | None:
        """The camera of that id."""
        return next((camera for camera in self.cameras if camera.id == camera_id), None)
