"""Columns that recur in many tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler

from shardwise.kit.clock import utc_now
from shardwise.schema.base import SHARD_KEY
from shardwise.schema.types import UnsignedBigInt, UtcDateTime


class current_moment(ColumnElement[datetime]):  # noqa: N801  # stands where a SQL function would
    """The server's clock with microseconds, as a column default; MySQL also sets it on update if asked."""

    inherit_cache = True
    type = UtcDateTime()

    def __init__(self, *, on_update: bool = False) -> None:
        self.on_update = on_update


@compiles(current_moment, "mysql", "mariadb")
def _mysql_moment(element: current_moment, compiler: SQLCompiler, **kw: Any) -> str:
    now = "CURRENT_TIMESTAMP(6)"
    return f"{now} ON UPDATE {now}" if element.on_update else now


@compiles(current_moment)
def _sqlite_moment(element: current_moment, compiler: SQLCompiler, **kw: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"


def account_key_column(*, primary_key: bool = True, **kwargs: Any) -> Mapped[int]:
    """Return the shard key column, which the client always supplies.

    As part of the primary key it is the first column, also where it comes from a mixin or an abstract base.
    """
    if primary_key:
        kwargs.setdefault("sort_order", -1)
    return mapped_column(SHARD_KEY, UnsignedBigInt(), primary_key=primary_key, autoincrement=False, **kwargs)


def created_at_column(name: str | None = None) -> Mapped[datetime]:
    """Return a column that holds the moment at which the row was made."""
    args = () if name is None else (name,)
    return mapped_column(
        *args, UtcDateTime(), default=utc_now, server_default=current_moment(), nullable=False
    )


def updated_at_column(name: str | None = None) -> Mapped[datetime]:
    """Return a column that holds the moment of the row's last change."""
    args = () if name is None else (name,)
    return mapped_column(
        *args,
        UtcDateTime(),
        default=utc_now,
        onupdate=utc_now,
        server_default=current_moment(on_update=True),
        nullable=False,
    )
