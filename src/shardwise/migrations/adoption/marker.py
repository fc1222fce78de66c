"""The table that an adoption keeps in each database while it runs, so that it can be run again.

One row a fact: the clock that it was begun with, the rows that each table had, each table whose times are
shifted. It is dropped at the end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import Connection, text

from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.guard import ADOPTION_TABLE, CLOCK_IS_RIGHT

_CREATE = (
    f"CREATE TABLE {ADOPTION_TABLE} (item VARCHAR(100) NOT NULL, value VARCHAR(255) NOT NULL,"
    " PRIMARY KEY (item)) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4"
)
_INSERT = text(f"INSERT INTO {ADOPTION_TABLE} (item, value) VALUES (:item, :value)")
_CLOCK, _FINISHING, _ROWS, _SHIFTED = "clock", "finishing", "rows of ", "shifted "


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What the table says.

    Attributes:
        clock: which clock wrote the rows; None if the table was made and nothing was written to it yet.
        rows: how many rows each table had in the beginning.
        shifted: the tables whose times are UTC.
        clock_is_right: all of them are.
        finishing: (global database) everything is done and checked; only these tables are left to drop.
    """

    clock: Clock | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    shifted: frozenset[str] = frozenset()
    clock_is_right: bool = False
    finishing: bool = False

    @classmethod
    def read(cls, connection: Connection) -> Self:
        """Return what a database's table says; it must be there."""
        facts = {
            str(item): str(value)
            for item, value in connection.execute(text(f"SELECT item, value FROM {ADOPTION_TABLE}"))
        }
        rows = {item: value for item, value in facts.items() if item.startswith(_ROWS)}
        return cls(
            clock=Clock.parse(facts[_CLOCK]) if _CLOCK in facts else None,
            rows={item.removeprefix(_ROWS): int(value) for item, value in rows.items()},
            shifted=frozenset(item.removeprefix(_SHIFTED) for item in facts if item.startswith(_SHIFTED)),
            clock_is_right=CLOCK_IS_RIGHT in facts,
            finishing=_FINISHING in facts,
        )


def create_marker(connection: Connection) -> None:
    """Make the table, empty."""
    connection.execute(text(_CREATE))


def begin(connection: Connection, clock: Clock, rows: Mapping[str, int]) -> None:
    """Write down, in the caller's transaction, what an adoption begins with."""
    counts = [{"item": _ROWS + table, "value": str(number)} for table, number in rows.items()]
    connection.execute(_INSERT, [{"item": _CLOCK, "value": str(clock)}, *counts])


def mark_shifted(connection: Connection, table: str) -> None:
    """Write down, in the caller's transaction, that a table's times are shifted; refused the second time."""
    connection.execute(_INSERT, {"item": _SHIFTED + table, "value": ""})


def mark_clock_right(connection: Connection) -> None:
    """Write down that no time of this database is left to shift, so that `upgrade` may have it."""
    connection.execute(_INSERT, {"item": CLOCK_IS_RIGHT, "value": ""})


def mark_finishing(connection: Connection) -> None:
    """Write down in the global database that everything is done and checked."""
    connection.execute(_INSERT, {"item": _FINISHING, "value": ""})


def drop_marker(connection: Connection, tables: Iterable[str]) -> None:
    """Drop the table if it is among those that the database has."""
    if ADOPTION_TABLE in set(tables):
        connection.execute(text(f"DROP TABLE {ADOPTION_TABLE}"))
