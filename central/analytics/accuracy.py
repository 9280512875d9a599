"""How far a figure may be off: the worst of the cameras that counted it (issue 4 item 7)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics.schemas import Accuracy, CameraTrust
from central.analytics.tables import CalibrationRecord
from contract.quality import Audit, CameraCalibration, ErrorClass, count_class, dwell_class

_RANK: dict[ErrorClass, int] = {"A": 0, "B": 1, "C": 2, "D": 3, "unmeasured": 4}


async def accuracy_of(session: AsyncSession, store: str, cameras: Collection[str], at: datetime) -> Accuracy:
    """Of these cameras at an instant; of all the store's cameras when it is not known which ones counted."""
    newest = (
        select(CalibrationRecord.node, CalibrationRecord.camera, func.max(CalibrationRecord.at).label("at"))
        .where(CalibrationRecord.store == store, CalibrationRecord.at <= at)
        .group_by(CalibrationRecord.node, CalibrationRecord.camera)
        .subquery()
    )
    statement = select(CalibrationRecord).join(
        newest,
        (CalibrationRecord.node == newest.c.node)
        & (CalibrationRecord.camera == newest.c.camera)
        & (CalibrationRecord.at == newest.c.at),
    )
    rows = (await session.scalars(statement.where(CalibrationRecord.store == store))).all()
    known = {row.camera: row for row in rows}
    named = [camera for camera in cameras if camera in known]
    chosen = sorted(cameras) if named else sorted(known)
    return judge(((camera, _said(known.get(camera))) for camera in chosen), at)


def _said(row: CalibrationRecord | None) -> CameraCalibration | None:
    try:
        return None if row is None else CameraCalibration.model_validate(row.said)
    except ValidationError:
        return None


def judge(said: Iterable[tuple[str, CameraCalibration | None]], at: datetime) -> Accuracy:
    """The worst class of all, and the largest errors when all are audited."""
    cameras: list[CameraTrust] = []
    audits: list[Audit | None] = []
    for camera, record in said:
        audit = record.audit if record is not None else None
        trust = CameraTrust(
            camera=camera,
            state=record.state if record is not None else "unknown",
            reason=record.reason if record is not None else "",
            count=count_class(audit, at),
            dwell=dwell_class(audit, at),
        )
        cameras.append(trust)
        audits.append(audit)
    count = max((one.count for one in cameras), key=_RANK.__getitem__, default="unmeasured")
    dwell = max((one.dwell for one in cameras), key=_RANK.__getitem__, default="unmeasured")
    found = Accuracy(count=count, dwell=dwell, cameras=cameras)
    told = [audit for audit in audits if audit is not None]
    if count != "unmeasured":
        found.count_error = max(max(abs(a.count.low), abs(a.count.high)) for a in told if a.count is not None)
    if dwell != "unmeasured":
        found.dwell_error_s = max(a.dwell.high_s for a in told if a.dwell is not None)
    if told and (count != "unmeasured" or dwell != "unmeasured"):
        found.audited_at = min(audit.at for audit in told)
    return found
