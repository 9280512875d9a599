"""The audit file: what was counted, by whom, what the node had said, until when it holds."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from calibration.records import read_record, write_record
from contract.quality import Audit, CountError, DwellError
from contract.values import Name, Seconds

VALID_DAYS = 180
"""Half a year: seasons, shelves and light change by then."""


class AuditFile(BaseModel):
    """One audit of one camera. Shares are of the person's count; intervals are 95 %."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    camera: Name
    operator: str = Field(min_length=1, max_length=80)
    audited_at: AwareDatetime
    until: AwareDatetime
    footage: str = Field(max_length=200)
    """What was watched, for people."""
    events: str = Field(default="", max_length=200)
    watched_s: Seconds
    count: CountError | None = None
    dwell: DwellError | None = None

    @property
    def audit(self) -> Audit:
        """As central is told."""
        return Audit(at=self.audited_at, until=self.until, seconds=self.watched_s, count=self.count, dwell=self.dwell)


def read_audit(path: Path) -> AuditFile:
    """CalibrationError names the field that is wrong."""
    return read_record(path, AuditFile)


def audit_yaml(record: AuditFile) -> str:
    """As written."""
    return yaml.safe_dump(write_record(record), sort_keys=False, allow_unicode=True, default_flow_style=False)
