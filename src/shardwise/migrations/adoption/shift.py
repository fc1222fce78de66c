"""Preparing one database: the marker, and its times shifted to UTC, each row exactly once.

A table is shifted by one UPDATE, in one transaction with the row that says so: whoever is killed leaves
both or neither. The whole table is locked for writing meanwhile.
"""

from collections.abc import Callable

from sqlalchemy import Connection, inspect, text

from shardwise.errors import MigrationError
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.clock_choice import needs_shift
from shardwise.migrations.adoption.deployment import VERSIONS, Database, recorded_revision
from shardwise.migrations.adoption.inventory import Facts
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
from shardwise.migrations.guard import ADOPTION_TABLE
from shardwise.migrations.locks import advisory_lock

# The last day stands for "for ever", and years before 1000 are no dates that a server promises to compute.
_FIRST, _LAST = "1000-01-02", "9999-12-30 23:59:59.999999"
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
        MigrationError: it was begun with another clock; or it isn't any more what it was found to be.
    """
    with advisory_lock(connection, database.target.name, timeout=lock_timeout):
        _require_as_seen(connection, database)
        marker = _begun(connection, database, clock)
        if marker.clock_is_right:
            return
        if needs_shift(database) and not clock.is_utc:
            connection.exec_driver_sql(_TAKE_ZEROS)
            for table in _clocked(database):
                if table not in marker.shifted:
                    doing(f"{database.target.name}: shifting {table}")
                    _shift(connection, database.inventory.tables[table], clock)
        mark_clock_right(connection)
        connection.commit()


def _require_as_seen(connection: Connection, database: Database) -> None:
    """Refuse a database that somebody else upgraded or adopted meanwhile: its times may be UTC now.

    As long as the notes are there, they tell; a worker whose adoption was killed may still be upgrading.
    """
    tables, begun = inspect(connection).get_table_names(), database.marker is not None
    revision = recorded_revision(connection) if VERSIONS in tables else None
    if (ADOPTION_TABLE in tables) != begun or (not begun and revision != database.revision):
        raise MigrationError(
            f"{database.target.name} was changed since it was looked at: another process upgrades or adopts"
            " it, or table_shard_config names it twice; run the command again"
        )


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


def _clocked(database: Database) -> list[str]:
    """Return the tables that have times of the old clock; a TIMESTAMP is UTC already."""
    old = GLOBAL if database.target.branch is Branch.GLOBAL else SHARD
    there = database.inventory.tables
    return [name for name in sorted(old.tables) if name in there and there[name].of_kind("datetime")]


def _shift(connection: Connection, facts: Facts, clock: Clock) -> None:
    mark_shifted(connection, facts.name)  # first: another process waits for this row, and is then refused
    # Every moment is assigned, so that the server doesn't set those that it renews with a change.
    values = {column: _utc(column, clock) for column in facts.of_kind("datetime")}
    values |= {column: f"`{column}`" for column in facts.of_kind("timestamp")}
    pairs = ", ".join(f"`{column}` = {value}" for column, value in values.items())
    order = _order(facts, clock)
    connection.execute(text(f"UPDATE `{facts.name}` SET {pairs}{order}".replace(":", r"\:")))
    connection.commit()


def _order(facts: Facts, clock: Clock) -> str:
    """Return the order that keeps a row from taking a time, unique in its table, which another still has."""
    existing, times = facts.existing, facts.of_kind("datetime")
    unique = [existing.primary_key, *(columns for unique, columns in existing.keys.values() if unique)]
    timed = sorted({column for columns in unique for column in columns if column in times})
    if not timed:
        return ""
    return " ORDER BY " + ", ".join(
        f"`{column}` {'ASC' if clock.minutes > 0 else 'DESC'}" for column in timed
    )


def _utc(column: str, clock: Clock) -> str:
    """Return a time in UTC; one that can't be computed with stays as it is."""
    whole = f"MONTH(`{column}`) > 0 AND DAYOFMONTH(`{column}`) > 0"
    return (
        f"CASE WHEN `{column}` BETWEEN '{_FIRST}' AND '{_LAST}' AND {whole}"
        f" THEN `{column}` - INTERVAL {clock.minutes} MINUTE ELSE `{column}` END"
    )
