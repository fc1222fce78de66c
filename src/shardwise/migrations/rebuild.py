"""A change of a table on SQLite: a new table, filled from the old one, takes its place."""

from collections.abc import Mapping

from sqlalchemy import Connection, Table, text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateTable

from shardwise.migrations.existing import index_name, keys_of
from shardwise.migrations.fills import fills, turns_boolean, value_sql

_TEMPORARY = "_reshape_"


def create_statements(table: Table, dialect: Dialect) -> list[str]:
    """Return the statements that create a table and its indexes."""
    return [_create_table(table, dialect), *_create_indexes(table, dialect)]


def rebuild_statements(before: Table, after: Table, given: Mapping[str, str], dialect: Dialect) -> list[str]:
    """Return the statements that change a table and keep its rows.

    They belong into one transaction with `PRAGMA foreign_keys` off: dropping a table would else delete the
    rows that refer to it. The order is the one of the SQLite manual, "Making Other Kinds Of Table Schema
    Changes".

    Args:
        before: what the table is.
        after: what it shall be.
        given: SQL expressions for columns that may lack a value, by column.
        dialect: SQLite's.
    """
    old, temporary = before.name, _TEMPORARY + after.name
    values = fills(before, after, given, dialect)
    quote = dialect.identifier_preparer.quote
    targets, sources = [], []
    for column in after.columns:
        quoted, fill = quote(column.name), values.get(column.name)
        if column.computed is not None:
            continue  # the database does it
        if column.name in before.columns:
            sources.append(value_sql(quoted, fill=fill, boolean=turns_boolean(before, column)))
        elif column.name in given:
            sources.append(given[column.name])
        else:
            continue  # its default fills it
        targets.append(quoted)
    return [
        f"DROP TABLE IF EXISTS {temporary}",
        _create_table(after, dialect, name=temporary),
        f"INSERT INTO {temporary} ({', '.join(targets)}) SELECT {', '.join(sources)} FROM {quote(old)}",
        *(_carry_sequence(old, temporary) if _counts_up(before) and _counts_up(after) else []),
        f"DROP TABLE {quote(old)}",
        f"ALTER TABLE {temporary} RENAME TO {quote(after.name)}",
        *_create_indexes(after, dialect),
    ]


def attached_statements(connection: Connection, before: Table, after: Table) -> list[str]:
    """Return the statements that make again what a rebuild drops: indexes and triggers of the application's.

    Args:
        connection: a connection to the database, before the rebuild.
        before: what the table is; its own indexes are left out.
        after: what it shall be; so are these.
    """
    ours = {index_name(table, name, "sqlite") for table in (before, after) for name in keys_of(table)}
    attached = text(
        "SELECT name, sql FROM sqlite_master"
        " WHERE tbl_name = :table AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid"
    )
    found = connection.execute(attached, {"table": before.name})
    return [row.sql for row in found if row.name not in ours]


def _counts_up(table: Table) -> bool:
    return bool(table.dialect_options["sqlite"]["autoincrement"])


def _carry_sequence(old: str, temporary: str) -> list[str]:
    """Return the statements that keep an AUTOINCREMENT going where it was, also without rows."""
    return [
        f"DELETE FROM sqlite_sequence WHERE name = '{temporary}'",
        "INSERT INTO sqlite_sequence (name, seq)"
        f" SELECT '{temporary}', seq FROM sqlite_sequence WHERE name = '{old}'",
    ]


def _create_table(table: Table, dialect: Dialect, name: str | None = None) -> str:
    statement = str(CreateTable(table).compile(dialect=dialect)).strip()
    quoted = dialect.identifier_preparer.quote(table.name)
    # The names of constraints keep the table's final name, so only the head is changed.
    return statement.replace(f"CREATE TABLE {quoted} ", f"CREATE TABLE {name or quoted} ", 1)


def _create_indexes(table: Table, dialect: Dialect) -> list[str]:
    quote = dialect.identifier_preparer.quote
    statements = []
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        unique = "UNIQUE " if index.unique else ""
        columns = ", ".join(quote(column) for column in index.columns.keys())  # noqa: SIM118  # a collection
        name = quote(index_name(table, str(index.name), "sqlite"))
        statements.append(f"CREATE {unique}INDEX {name} ON {quote(table.name)} ({columns})")
    return statements
