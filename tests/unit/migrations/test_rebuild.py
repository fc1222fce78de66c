"""The change of a table on SQLite, run for real."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import Boolean, Column, Computed, ForeignKey, Index, Integer, String, Table, text
from sqlalchemy.dialects import sqlite

from shardwise.migrations.columns import baseline_metadata, choice, frozen, tiny_integer
from shardwise.migrations.rebuild import create_statements, rebuild_statements

DIALECT = sqlite.dialect()


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def create(connection: sqlite3.Connection, table: Table) -> None:
    for statement in create_statements(table, DIALECT):
        connection.execute(statement)


def rebuild(connection: sqlite3.Connection, before: Table, after: Table, **given: str) -> None:
    for statement in rebuild_statements(before, after, given, DIALECT):
        connection.execute(statement)


def schema(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql NOT LIKE '%sqlite_sequence%' ORDER BY name"
    )
    return [sql.replace('"', "") for (sql,) in rows if sql]


BEFORE = frozen(
    "things",
    Column("id", Integer, primary_key=True),
    Column("name", String(20)),
    Column("flag", tiny_integer()),
    Index("idx_name", "name"),
)
AFTER = frozen(
    "things",
    Column("owner", Integer, primary_key=True, autoincrement=False, server_default=text("0")),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(40), nullable=False, server_default=text("'nobody'")),
    Column("flag", Boolean),
    Column("kind", choice("kind", "a", "b"), nullable=False, server_default=text("'a'")),
    Column("size", Integer, nullable=False),
    Index("idx_size", "size", "name", unique=True),
)


def test_rows_are_carried_over_and_completed(connection: sqlite3.Connection) -> None:
    create(connection, BEFORE)
    connection.executemany("INSERT INTO things VALUES (?, ?, ?)", [(1, "x", 5), (2, None, 0), (3, "y", None)])
    rebuild(connection, BEFORE, AFTER, size="LENGTH(COALESCE(name, '')) + id")
    assert connection.execute("SELECT * FROM things ORDER BY id").fetchall() == [
        (0, 1, "x", 1, "a", 2),
        (0, 2, "nobody", 0, "a", 2),
        (0, 3, "y", None, "a", 4),
    ]


def test_the_result_is_the_table_as_it_is_created(connection: sqlite3.Connection) -> None:
    create(connection, BEFORE)
    rebuild(connection, BEFORE, AFTER, size="0")
    rebuilt = schema(connection)
    connection.execute("DROP TABLE things")
    create(connection, AFTER)
    assert rebuilt == schema(connection)
    assert "CONSTRAINT ck_things_kind CHECK" in rebuilt[1]


def test_a_table_left_by_an_interrupted_run_is_replaced(connection: sqlite3.Connection) -> None:
    create(connection, BEFORE)
    connection.execute("CREATE TABLE _reshape_things (x)")
    rebuild(connection, BEFORE, AFTER, size="0")
    assert len(schema(connection)) == 2


def test_rows_that_refer_to_the_table_stay(connection: sqlite3.Connection) -> None:
    parent = frozen("things", Column("id", Integer, primary_key=True), Column("name", String(20)))
    child = frozen(
        "parts", Column("thing", Integer, ForeignKey("things.id", ondelete="CASCADE"), primary_key=True)
    )
    create(connection, parent)
    create(connection, child)
    connection.execute("INSERT INTO things VALUES (1, 'x')")
    connection.execute("INSERT INTO parts VALUES (1)")
    wider = frozen("things", Column("id", Integer, primary_key=True), Column("name", String(40)))
    rebuild(connection, parent, wider)
    assert connection.execute("SELECT COUNT(*) FROM parts").fetchone() == (1,)
    assert "REFERENCES things " in schema(connection)[0]
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("DELETE FROM things")
    assert connection.execute("SELECT COUNT(*) FROM parts").fetchone() == (0,)


def test_counting_goes_on_where_it_was_without_rows(connection: sqlite3.Connection) -> None:
    def table(length: int) -> Table:
        columns = Column("id", Integer, primary_key=True), Column("name", String(length))
        return frozen("things", *columns, sqlite_autoincrement=True)

    create(connection, table(20))
    connection.execute("INSERT INTO sqlite_sequence VALUES ('things', 999)")
    rebuild(connection, table(20), table(40))
    rebuild(connection, table(40), table(20))
    assert connection.execute("INSERT INTO things (name) VALUES ('x') RETURNING id").fetchone() == (1000,)
    assert connection.execute("SELECT * FROM sqlite_sequence").fetchall() == [("things", 1000)]


def test_recurring_index_names_of_old_tables_get_the_tables_name(connection: sqlite3.Connection) -> None:
    metadata = baseline_metadata()
    for name in ("one", "two"):
        create(connection, Table(name, metadata, Column("n", Integer), Index("idx_n", "n")))
    indexes = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY 1").fetchall()
    assert indexes == [("one_idx_n",), ("two_idx_n",)]


def test_what_the_database_computes_is_left_to_it(connection: sqlite3.Connection) -> None:
    def doubled(length: int) -> Table:
        twice = Column("twice", Integer, Computed("id * 2", persisted=True))
        return frozen(
            "things", Column("id", Integer, primary_key=True), Column("name", String(length)), twice
        )

    create(connection, doubled(20))
    connection.execute("INSERT INTO things (id, name) VALUES (4, 'a')")
    rebuild(connection, doubled(20), doubled(40))
    assert connection.execute("SELECT id, name, twice FROM things").fetchall() == [(4, "a", 8)]
