"""The words of revisions: frozen tables, and the column types of the first installations."""

from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Enum, MetaData, SmallInteger, String, Table, types
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.compiler import SQLCompiler

from shardwise.schema.base import NAMING_CONVENTION

PREFIXED_INDEXES = "prefixed_indexes"


def frozen(name: str, *items: SchemaItem, **options: Any) -> Table:
    """Return a table as one revision leaves it, known to no model.

    Foreign keys may name tables that the revision doesn't describe.
    """
    table = Table(name, MetaData(naming_convention=NAMING_CONVENTION), *items, **options)
    for key in list(table.foreign_keys):
        referred, column = key.target_fullname.split(".")
        Table(referred, table.metadata, Column(column, key.parent.type))
    return table


def baseline_metadata() -> MetaData:
    """Return metadata for tables of the first installations, whose index names recur from table to table.

    Indexes of such tables are prefixed with the table's name on SQLite, where a name must be unique in the
    whole database.
    """
    return MetaData(info={PREFIXED_INDEXES: True})


def tiny_integer(*, unsigned: bool = False) -> types.TypeEngine[int]:
    """Return a number of one byte."""
    return SmallInteger().with_variant(mysql.TINYINT(unsigned=unsigned), "mysql", "mariadb")


def bit() -> types.TypeEngine[bool]:
    """Return an old flag: `bit(1)`, of which drivers make raw bytes."""
    return Boolean().with_variant(mysql.BIT(1), "mysql", "mariadb")


def small_flag() -> types.TypeEngine[int]:
    """Return an old flag: `tinyint(1)`, which holds numbers up to 127."""
    return SmallInteger().with_variant(mysql.TINYINT(display_width=1), "mysql", "mariadb")


def caseless(length: int) -> types.TypeEngine[str]:
    """Return text that compares without regard to case, as it does by default on MySQL and MariaDB."""
    return String(length).with_variant(String(length, collation="NOCASE"), "sqlite")


def choice(name: str, *values: str) -> Enum:
    """Return an ENUM; SQLite gets a CHECK of that name with the same words."""
    return Enum(*values, name=name, create_constraint=True)


class old_moment(ColumnElement[Any]):  # noqa: N801  # stands where a SQL function would
    """The server's clock in whole seconds, set again by MySQL on every change of the row.

    Args:
        default: False for a column that is NULL until the first change.
    """

    inherit_cache = True
    type = types.DateTime()

    def __init__(self, *, default: bool = True) -> None:
        self.default = default


@compiles(old_moment, "mysql", "mariadb")
def _mysql_old_moment(element: old_moment, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{'CURRENT_TIMESTAMP' if element.default else 'NULL'} ON UPDATE CURRENT_TIMESTAMP"


@compiles(old_moment)
def _sqlite_old_moment(element: old_moment, compiler: SQLCompiler, **kw: Any) -> str:
    return "CURRENT_TIMESTAMP" if element.default else "NULL"
