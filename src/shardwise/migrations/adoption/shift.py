"""Preparing one database: the marker, and its times shifted to UTC, each row exactly once.

A table is shifted by one UPDATE, in one transaction with the row that says so: whoever is killed leaves
both or neither. The whole table is locked for writing meanwhile.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, text

from shardwise.errors import MigrationError
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.clock_choice import needs_shift
from shardwise.migrations.adoption.deployment import Database
from shardwise.migrations.adoption.marker import (
    Marker,
    begin,
    create_marker,
    mark_clock_right,
    mark_shifted,
)
from shardwise.migrations.adoption.survey import count_rows
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.migrations.branches import Branch
from shardwise.migrations.locks import advisory_lock

# The last day stands for "for ever", and years before 1000 are no dates that a server promises to compute.
_FIRST, _LAST = "1000-01-02", "9999-12-30"
_TAKE_ZEROS = (
    "SET SESSION sql_mode = REPLACE(REPLACE(REPLACE(@@sql_mode,"
    " 'TRADITIONAL', ''), 'NO_ZERO_IN_DATE', ''), 'NO_ZERO_DATE', '')"
)


def prepare(
    connection: Connection,
    database: Database,
    clock: Clock,
    *,
    lock_timeout: float,
    doing: Callable[[str], None],
) -> None:
    """Begin the adoption of a database, or go on with it, until its times are UTC.

    Args:
        connection: to the database, outside a transaction.
        database: as it was found before anything was changed in this run.
        clock: which one wrote its rows.
        lock_timeout: seconds to wait for another upgrader of the database.
        doing: told which table is being shifted.

    Raises:
        MigrationLockedError: another process is migrating the database.
        MigrationError: it was begun with another clock.
    """
    with advisory_lock(connection, database.target.name, timeout=lock_timeout):
        marker = _begun(connection, database, clock)
        if marker.clock_is_right:
            return
        if needs_shift(database) and not clock.is_utc:
            connection.exec_driver_sql(_TAKE_ZEROS)
            for table, columns in _clocked(database):
                if table not in marker.shifted:
                    doing(f"{database.target.name}: shifting {table}")
                    _shift(connection, table, columns, clock)
        mark_clock_right(connection)
        connection.commit()


def _begun(connection: Connection, database: Database, clock: Clock) -> Marker:
    if database.marker is None:
        create_marker(connection)
    marker = Marker.read(connection)
    if marker.clock is None:
        begin(connection, clock, count_rows(connection, database))
        connection.commit()
        return Marker.read(connection)
    if marker.clock != clock:
        raise MigrationError(f"{database.target.name} was begun with --clock {marker.clock}, not {clock}")
    return marker


def _clocked(database: Database) -> list[tuple[str, list[str]]]:
    """Return the tables that have times, with those columns."""
    old = GLOBAL if database.target.branch is Branch.GLOBAL else SHARD
    there = database.inventory.tables
    found = [(name, there[name].of_kind("datetime")) for name in sorted(old.tables) if name in there]
    return [(name, columns) for name, columns in found if columns]


def _shift(connection: Connection, table: str, columns: Sequence[str], clock: Clock) -> None:
    mark_shifted(connection, table)  # first: another process waits for this row, and is then refused
    # Every time is assigned, so that the server doesn't set those that it renews with a change.
    pairs = ", ".join(f"`{column}` = {_utc(column, clock)}" for column in columns)
    connection.execute(text(f"UPDATE `{table}` SET {pairs}".replace(":", r"\:")))
    connection.commit()


def _utc(column: str, clock: Clock) -> str:
    """Return a time in UTC; one that can't be computed with stays as it is."""
    whole = f"MONTH(`{column}`) > 0 AND DAYOFMONTH(`{column}`) > 0"
    return (
        f"CASE WHEN `{column}` BETWEEN '{_FIRST}' AND '{_LAST}' AND {whole}"
        f" THEN `{column}` - INTERVAL {clock.minutes} MINUTE ELSE `{column}` END"
    )
