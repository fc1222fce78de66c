"""Columns that recur in the trading platform's tables."""

from decimal import Decimal

from sqlalchemy import Boolean, Integer, SmallInteger, String, text, types
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.schema.types import ExactDecimal, UnsignedInt


def TinyInt(*, unsigned: bool = False) -> types.TypeEngine[int]:  # noqa: N802  # reads as a type where it is used
    """Return a number of one byte on MySQL and MariaDB, a small integer elsewhere."""
    return SmallInteger().with_variant(mysql.TINYINT(unsigned=unsigned), "mysql", "mariadb")


def Caseless(length: int) -> String:  # noqa: N802
    """Return text that is equal in any case of its letters, as MySQL and MariaDB compare (SQLite: A to Z)."""
    return String(length).with_variant(String(length, collation="NOCASE"), "sqlite")


def flag_column(*, default: bool = False) -> Mapped[bool]:
    """Return a yes/no column."""
    return mapped_column(Boolean, default=default, server_default=text("1" if default else "0"))


def count_column() -> Mapped[int]:
    """Return a count that begins at 0."""
    return mapped_column(Integer, default=0, server_default=text("0"))


def unsigned_count_column() -> Mapped[int]:
    """Return a count that begins at 0 and that the server refuses to store below it."""
    return mapped_column(UnsignedInt(), default=0, server_default=text("0"))


def decimal_column(precision: int, scale: int) -> Mapped[Decimal]:
    """Return an exact decimal that begins at zero."""
    zero = Decimal(0).quantize(Decimal(1).scaleb(-scale))
    return mapped_column(ExactDecimal(precision, scale), default=zero, server_default=text(f"'{zero}'"))
