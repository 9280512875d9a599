"""Roll-ups, queues, groups, audits of counting: issue 4."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UNCOUNTED = sa.text("NOT counted")


def _name(name: str, length: int = 40) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _time(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=False)


def _flag(name: str, default: str | None = "false") -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text(default) if default else None)


def _id() -> sa.Column[int]:
    return sa.Column("id", _BIG, nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _occupancy_minutes() -> None:
    op.create_table(
        "occupancy_minutes",
        _id(),
        _name("store"),
        _name("camera"),
        _time("minute"),
        sa.Column("cell_m", sa.Double(), nullable=False),
        _json("cells"),
        _flag("calibrated", None),
        _flag("counted"),
        _key("occupancy_minutes", "id"),
    )
    op.create_index("ix_occupancy_minutes_store_minute", "occupancy_minutes", ["store", "minute"])


def _queue_minutes() -> None:
    op.create_table(
        "queue_minutes",
        _id(),
        _name("store"),
        _name("zone"),
        _time("minute"),
        sa.Column("length_mean", sa.Double(), nullable=False),
        _number("length_max"),
        _number("length"),
        _json("waits"),
        _flag("calibrated", None),
        _flag("counted"),
        _key("queue_minutes", "id"),
    )
    op.create_index("ix_queue_minutes_store_minute", "queue_minutes", ["store", "minute"])


def _group_entries() -> None:
    op.create_table(
        "group_entries",
        _id(),
        _name("store"),
        _time("at"),
        _number("size"),
        _flag("calibrated", None),
        _flag("counted"),
        _key("group_entries", "id"),
    )
    op.create_index("ix_group_entries_store_at", "group_entries", ["store", "at"])


def _zone_scans() -> None:
    op.create_table(
        "zone_scans",
        _id(),
        _name("store"),
        _name("sku", 64),
        _name("visit", 64),
        _time("at"),
        _key("zone_scans", "id"),
    )
    op.create_index("ix_zone_scans_store_at", "zone_scans", ["store", "at"])
    op.create_index("ix_zone_scans_visit", "zone_scans", ["visit"])


def _counter_marks() -> None:
    op.create_table(
        "counter_marks",
        _name("store"),
        _name("node"),
        _name("device"),
        _name("line"),
        _time("since"),
        sa.Column("entered", _BIG, nullable=False),
        sa.Column("left", _BIG, nullable=False),
        _time("at"),
        _key("counter_marks", "store", "node", "device", "line"),
    )


def _camera_calibrations() -> None:
    op.create_table(
        "camera_calibrations",
        _name("store"),
        _name("node"),
        _name("camera"),
        _time("at"),
        _name("state", 16),
        _json("said"),
        _key("camera_calibrations", "store", "node", "camera", "at"),
    )


def _analytics_held() -> None:
    op.create_table(
        "analytics_held",
        _name("store"),
        _name("series", 12),
        _name("source", 12),
        _name("place"),
        _time("day"),
        _time("start"),
        _time("until"),
        _number("people"),
        _json("sums"),
        _key("analytics_held", "store", "series", "source", "place", "day"),
    )


def _analytics_figures() -> None:
    op.create_table(
        "analytics_figures",
        _id(),
        _name("store"),
        _name("series", 12),
        _name("source", 12),
        _name("place"),
        _time("day"),
        _time("start"),
        _time("until"),
        _number("people"),
        _json("sums"),
        _key("analytics_figures", "id"),
    )
    op.create_index("ix_analytics_figures_store_until", "analytics_figures", ["store", "series", "until"])


def _analytics_days() -> None:
    op.create_table(
        "analytics_days",
        _name("store"),
        _name("series", 12),
        _time("day"),
        _name("source", 12),
        _name("place"),
        _number("people"),
        _json("sums"),
        _key("analytics_days", "store", "series", "day", "source", "place"),
    )


def _analytics_progress() -> None:
    op.create_table("analytics_progress", _name("store"), _time("sales_until"), _key("analytics_progress", "store"))


def _analytics_rules() -> None:
    op.create_table(
        "analytics_rules",
        _name("store"),
        _number("k"),
        sa.Column("event_days", sa.Double(), nullable=False),
        _number("hours_days"),
        _key("analytics_rules", "store"),
    )


_TABLES = (
    _occupancy_minutes,
    _queue_minutes,
    _group_entries,
    _zone_scans,
    _counter_marks,
    _camera_calibrations,
    _analytics_held,
    _analytics_figures,
    _analytics_days,
    _analytics_progress,
    _analytics_rules,
)


def upgrade() -> None:
    """To this version. Heat of before is carried over as minutes; how many people stand behind it is not known."""
    for create in _TABLES:
        create()
    op.add_column("stays", sa.Column("track", sa.String(length=64), nullable=True))
    op.add_column("stays", _flag("stopped"))
    op.add_column("stays", _flag("counted"))
    _waiting("stays", "left_at")
    op.add_column("crossings", sa.Column("people", sa.Integer(), nullable=False, server_default=sa.text("1")))
    source = sa.Column("source", sa.String(length=12), nullable=False, server_default=sa.text("'camera'"))
    op.add_column("crossings", source)
    op.add_column("crossings", sa.Column("camera", sa.String(length=40), nullable=True))
    op.add_column("crossings", _flag("counted"))
    _waiting("crossings", "at")
    _carry_heat()
    op.drop_table("occupancy")


def _waiting(table: str, at: str) -> None:
    columns = ["store", at]
    name = f"ix_{table}_waiting"
    op.create_index(name, table, columns, sqlite_where=_UNCOUNTED, postgresql_where=_UNCOUNTED)


def _carry_heat() -> None:
    connection = op.get_bind()
    minutes: dict[tuple[object, ...], list[list[object]]] = defaultdict(list)
    read = "SELECT store, camera, minute, cell_m, ix, iy, seconds FROM occupancy"
    for store, camera, minute, cell_m, ix, iy, seconds in connection.execute(sa.text(read)):
        minutes[store, camera, minute, cell_m].append([ix, iy, seconds, None])
    table = sa.table(
        "occupancy_minutes",
        *(sa.column(name) for name in ("store", "camera", "minute", "cell_m", "calibrated")),
        sa.column("cells", sa.JSON()),
    )
    names = ("store", "camera", "minute", "cell_m")
    rows = [
        {**dict(zip(names, key, strict=True)), "cells": {"cells": cells}, "calibrated": True}
        for key, cells in minutes.items()
    ]
    for start in range(0, len(rows), 500):
        connection.execute(sa.insert(table), rows[start : start + 500])


def downgrade() -> None:
    """Back to the one before; roll-ups and heat are lost."""
    op.create_table(
        "occupancy",
        _id(),
        _name("store"),
        _name("camera"),
        _time("minute"),
        sa.Column("cell_m", sa.Double(), nullable=False),
        _number("ix"),
        _number("iy"),
        sa.Column("seconds", sa.Double(), nullable=False),
        _key("occupancy", "id"),
    )
    op.create_index("ix_occupancy_store_minute", "occupancy", ["store", "minute"])
    for table, columns in (
        ("crossings", ("counted", "camera", "source", "people")),
        ("stays", ("counted", "stopped", "track")),
    ):
        op.drop_index(f"ix_{table}_waiting", table_name=table)
        for column in columns:
            op.drop_column(table, column)
    for create in reversed(_TABLES):
        op.drop_table(create.__name__.removeprefix("_"))
