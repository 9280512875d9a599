"""Heat and stays of before the roll-ups are carried over, and the way back works."""

from __future__ import annotations

from alembic import command
from sqlalchemy import text
from sqlalchemy.engine import Connection

from central.database import Database
from central.schema import alembic_config
from central.settings import async_url


def _old(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0001")
    row = "INSERT INTO occupancy (store, camera, minute, cell_m, ix, iy, seconds) VALUES ('s', 'c', 60000, 0.25, "
    for ix in (1, 2):
        connection.execute(text(row + f"{ix}, 3, 4.5)"))
    connection.execute(text("INSERT INTO crossings (store, line, direction, at) VALUES ('s', 'door', 'in', 60000)"))


def _new(connection: Connection) -> tuple[object, ...]:
    command.upgrade(alembic_config(connection), "0002")
    minute = connection.execute(text("SELECT store, camera, minute, cells, counted FROM occupancy_minutes")).one()
    crossing = connection.execute(text("SELECT people, source, counted FROM crossings")).one()
    return (*minute, *crossing)


def _back(connection: Connection) -> None:
    command.downgrade(alembic_config(connection), "0001")
    command.upgrade(alembic_config(connection), "0002")


async def test_heat_of_before_is_carried_over(database_url: str) -> None:
    database = Database(async_url(database_url))
    async with database.engine.begin() as connection:
        await connection.run_sync(_old)
        found = await connection.run_sync(_new)
        await connection.run_sync(_back)
    await database.close()
    assert found[:3] == ("s", "c", 60000)
    assert "4.5" in str(found[3])
    assert [bool(found[4]), *found[5:7], bool(found[7])] == [False, 1, "camera", False]
