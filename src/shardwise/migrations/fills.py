"""What goes into columns that have no value: those that may not be NULL any more, and new ones."""

import re
from collections.abc import Mapping

from sqlalchemy import Boolean, Column, Table
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateTable

from shardwise.errors import MigrationError
from shardwise.schema.types import UtcDateTime


def default_sql(column: "Column[object]", dialect: Dialect) -> str | None:
    """Return a column's server default as an expression, None if it has none."""
    default = dialect.ddl_compiler(dialect, CreateTable(column.table)).get_column_default_string(column)
    if default is None:
        return None
    value = re.sub(r"\s*ON UPDATE .*", "", default)
    return None if value == "NULL" else value


def fills(before: Table, after: Table, given: Mapping[str, str], dialect: Dialect) -> dict[str, str]:
    """Return the SQL expression for each column of `after` whose old values may be missing.

    What the revision gives wins; else the column's own default.

    Raises:
        MigrationError: a column has neither, or `given` names a column that `after` doesn't have.
    """
    unknown = given.keys() - set(after.columns.keys())
    if unknown:
        raise MigrationError(f"{after.name} has no column {', '.join(sorted(unknown))} to fill")
    result = dict(given)
    for column in after.columns:
        old = before.columns.get(column.name)
        if column.name in result or column.nullable or (old is not None and not old.nullable):
            continue
        default = default_sql(column, dialect)
        if default is None and column is not after.autoincrement_column:
            raise MigrationError(
                f"{after.name}.{column.name} may not be NULL and the revision gives no value"
            )
        if default is not None and old is not None:  # a new column gets its default by itself
            result[column.name] = default
    return result


def turns_boolean(before: Table, column: "Column[object]") -> bool:
    """Return whether a column of numbers becomes one of yes and no: any number but 0 is then yes."""
    old = before.columns.get(column.name)
    return old is not None and isinstance(column.type, Boolean) and not isinstance(old.type, Boolean)


def is_moment(before: Table, column: "Column[object]") -> bool:
    """Return whether an old column holds moments, among which a server may have dates of zeros."""
    return column.name in before.columns and isinstance(column.type, UtcDateTime)


def value_sql(quoted: str, *, fill: str | None, boolean: bool, moment: bool = False) -> str:
    """Return the expression for a column's new value in terms of its old one.

    Args:
        quoted: the column.
        fill: what replaces NULL; None = NULL stays.
        boolean: any number but 0 becomes true.
        moment: MySQL's date of zeros, which is no moment, becomes NULL or what replaces it.
    """
    value = f"({quoted} <> 0)" if boolean else quoted
    if moment:
        value = f"NULLIF({quoted}, 0)"
    return value if fill is None else f"COALESCE({value}, {fill})"
