"""Values for columns that have none."""

import pytest
from sqlalchemy import Column, Integer, String, Table, text
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine.interfaces import Dialect

from shardwise.errors import MigrationError
from shardwise.migrations.columns import frozen, old_moment
from shardwise.migrations.fills import fills
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UtcDateTime

MYSQL, SQLITE = mysql.dialect(), sqlite.dialect()


def table(*columns: "Column[object]") -> Table:
    return frozen("things", Column("id", Integer, primary_key=True), *columns)


@pytest.mark.parametrize(
    ("dialect", "moment"),
    [(MYSQL, "CURRENT_TIMESTAMP(6)"), (SQLITE, "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))")],
)
def test_a_column_that_loses_its_nulls_gets_its_default(dialect: Dialect, moment: str) -> None:
    before = table(Column("n", Integer), Column("at", UtcDateTime()), Column("same", Integer, nullable=False))
    after = table(
        Column("n", Integer, nullable=False, server_default=text("3")),
        Column("at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
        Column("same", Integer, nullable=False),
    )
    assert fills(before, after, {}, dialect) == {"n": "3", "at": moment}


def test_what_the_revision_gives_wins() -> None:
    after = table(Column("n", Integer, nullable=False, server_default=text("3")))
    assert fills(table(Column("n", Integer)), after, {"n": "id"}, MYSQL) == {"n": "id"}


def test_nullable_columns_need_nothing() -> None:
    assert fills(table(), table(Column("n", Integer)), {}, MYSQL) == {}


def test_new_columns_get_their_default_by_themselves() -> None:
    after = table(Column("n", Integer, nullable=False, server_default=text("3")))
    assert fills(table(), after, {}, MYSQL) == {}


@pytest.mark.parametrize(
    "column",
    [
        Column("n", Integer, nullable=False),
        Column("n", UtcDateTime(), nullable=False, server_default=old_moment(default=False)),
    ],
)
@pytest.mark.parametrize("before", [(), (Column("n", Integer),)])
def test_a_column_without_a_value_is_refused(
    column: "Column[object]", before: "tuple[Column[object], ...]"
) -> None:
    with pytest.raises(MigrationError, match=r"things\.n may not be NULL and the revision gives no value"):
        fills(table(*(c._copy() for c in before)), table(column._copy()), {}, MYSQL)


def test_a_value_for_no_column_is_refused() -> None:
    with pytest.raises(MigrationError, match="things has no column m to fill"):
        fills(table(), table(Column("n", String(3))), {"m": "1"}, MYSQL)
