"""Looks for rows that a new unique key would refuse, before anything is changed."""

from collections.abc import Collection

from sqlalchemy import Column, Connection, Table, text

from shardwise.errors import MigrationError
from shardwise.migrations.existing import Existing, keys_of


def require_unique(
    connection: Connection, table: Table, existing: Existing, *, filled: Collection[str] = ()
) -> None:
    """Check that a table's rows fit the unique keys that it is about to get.

    A server's own message names one of them at best, and MariaDB's is misleading where other tables refer
    to this one.

    Args:
        connection: a connection to the database.
        table: the table as it shall be.
        existing: what the database has.
        filled: columns whose values are computed on the way; keys with one of them are left to the server.

    Raises:
        MigrationError: rows have the same values; the message says how to see them.
    """
    quote = connection.dialect.identifier_preparer.quote
    for columns in new_unique_keys(table, existing):
        # A column that doesn't exist yet has one value in all rows, unless it is computed from others.
        known = [
            name for name in columns if name in existing.columns or table.columns[name].computed is not None
        ]
        if not known or set(columns) & set(filled):
            continue
        values = {
            name: quote(name) if name in existing.columns else _computed(table.columns[name], connection)
            for name in known
        }
        shown = ", ".join(
            value if name in existing.columns else f"{value} AS {quote(name)}"
            for name, value in values.items()
        )
        given = " AND ".join(f"{value} IS NOT NULL" for value in values.values())
        query = (
            f"SELECT {shown}, COUNT(*) FROM {quote(table.name)} WHERE {given}"
            f" GROUP BY {', '.join(map(quote, known))} HAVING COUNT(*) > 1"
        )
        if connection.execute(text(f"{query} LIMIT 1")).first() is not None:
            raise MigrationError(
                f"rows of {table.name} have the same {', '.join(known)}, which must be unique from here on;"
                f" `{query}` shows them"
            )


def _computed(column: "Column[object]", connection: Connection) -> str:
    """Return the value that a column is going to have, compared as the column will compare it."""
    assert column.computed is not None  # noqa: S101  # callers look
    kind = column.type.dialect_impl(connection.dialect)
    collation = getattr(kind, "collation", None)
    value = f"({column.computed.sqltext})"
    return f"{value} COLLATE {collation}" if collation else value


def new_unique_keys(table: Table, existing: Existing) -> list[tuple[str, ...]]:
    """Return the unique keys that don't follow from those that the database enforces already."""
    enforced = [set(columns) for unique, columns in existing.keys.values() if unique]
    enforced.append(set(existing.primary_key))
    wanted = [columns for unique, columns in keys_of(table).values() if unique]
    wanted.append(tuple(column.name for column in table.primary_key))
    return [columns for columns in wanted if not any(key and key <= set(columns) for key in enforced)]
