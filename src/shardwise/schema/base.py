"""The two declarative bases, their naming convention, and where a table's rows live."""

from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.orm import DeclarativeBase

SHARD_KEY = "account_db_key"

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}


class TablePlacement(StrEnum):
    """Where the rows of a table live."""

    GLOBAL = "global"
    SHARDED = "sharded"
    REFERENCE = "reference"
    LOCAL = "local"


class GlobalBase(DeclarativeBase):
    """Base of the models in the global database, which everybody shares.

    Metadata belongs to the Alembic branch `global`.
    """

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    __placement__: ClassVar[str] = TablePlacement.GLOBAL


class ShardBase(DeclarativeBase):
    """Base of the models in the shard databases.

    A table must have `account_db_key` as the first column of its primary key, so that the rows of one
    account lie together. Set `__placement__ = "reference"` for a table that is copied to every shard, or
    `"local"` for one whose rows are about the shard itself (an error log). Metadata belongs to the Alembic
    branch `shard`.

    Raises:
        TypeError: when the class is defined, if a sharded table doesn't lead its primary key with
            `account_db_key`, or if it claims to be global.
    """

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    __placement__: ClassVar[str] = TablePlacement.SHARDED

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = cls.__dict__.get("__table__")
        if table is None:
            return
        table.info["placement"] = placement = TablePlacement(cls.__placement__)
        if placement is TablePlacement.GLOBAL:
            raise TypeError(f"{cls.__name__}: a global table is a model of GlobalBase, not of ShardBase")
        if placement is TablePlacement.SHARDED:
            _require_leading_shard_key(cls.__name__, table)


def _require_leading_shard_key(model: str, table: Table) -> None:
    key: list[Column[Any]] = list(table.primary_key.columns)
    if not key or key[0].name != SHARD_KEY:
        raise TypeError(
            f"{model} ({table.name}) is a sharded model: its primary key must begin with {SHARD_KEY}."
            ' Add it first, or set __placement__ = "reference" or "local"'
        )


def placement_of(entity: object) -> TablePlacement:
    """Return where the rows of a model or table live.

    Args:
        entity: a mapped class or a `Table`. A plain table that belongs to neither base is global.
    """
    if isinstance(entity, Table):
        default = TablePlacement.GLOBAL
        return TablePlacement(entity.info.get("placement", default))
    return TablePlacement(getattr(entity, "__placement__", TablePlacement.GLOBAL))
