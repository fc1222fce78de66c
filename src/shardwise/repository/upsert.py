"""INSERT that updates the row with the same key if there is one, in the words of each database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Index, UniqueConstraint, and_, case, literal
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.types import NullType

from shardwise.errors import InvalidValueError
from shardwise.repository.shape import ModelShape
from shardwise.repository.values import is_expression
from shardwise.schema.base import SHARD_KEY


def conflict_columns(shape: ModelShape, on: Sequence[str] | None, given: Collection[str]) -> tuple[str, ...]:
    """Return the names of the attributes whose equal values mean "the same row".

    Args:
        shape: the model.
        on: the names; by default the primary key.
        given: the names that the rows have.

    Raises:
        InvalidValueError: they aren't the primary key or a unique constraint, or a row lacks one.
    """
    names = tuple(on) if on is not None else shape.identity
    for name in names:
        if name not in shape.writable:
            raise shape.unknown(name)
        if name not in given:
            raise InvalidValueError(
                "rows", f"{shape.name} is upserted by ({', '.join(names)}); {name} is missing"
            )
    wanted = {_column(shape, name).name for name in names}
    if wanted not in _unique_keys(shape):
        raise InvalidValueError("on", f"({', '.join(names)}) is not a unique key of {shape.name}")
    return names


def check_conflict_values(shape: ModelShape, on: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    """Check that rows, keyed by the table's columns, name "the same row" by values that can be equal.

    Raises:
        InvalidValueError: a value is None, which no unique key finds again, or is computed by the database.
    """
    names = [(_column(shape, name).key, name) for name in on]
    for row in rows:
        for key, name in names:
            if row[key] is None or is_expression(row[key]):
                raise InvalidValueError(
                    name, f"{shape.name} is upserted by it, so it must be a value, not None or an expression"
                )


def build_upsert(
    shape: ModelShape,
    dialect: str,
    *,
    on: tuple[str, ...],
    given: Collection[str],
    update: Sequence[str] | None,
) -> Insert:
    """Return the statement, to be executed with the rows.

    Args:
        shape: the model.
        dialect: sqlite, mysql or mariadb.
        on: from `conflict_columns`.
        given: the names that the rows have.
        update: the names to overwrite in a row that is there; by default all that are given. The key,
            the account and the primary key never change.

    Raises:
        InvalidValueError: `update` names what isn't given, or the dialect isn't known.
    """
    changed = _changed(shape, on, given, update)
    if dialect == "sqlite":
        lite = sqlite_insert(shape.table)
        target = [_column(shape, name) for name in on]
        if not changed:
            return lite.on_conflict_do_nothing(index_elements=target)
        values = _new_values(shape, changed, lite.excluded)
        return lite.on_conflict_do_update(index_elements=target, set_=values)
    if dialect not in ("mysql", "mariadb"):
        raise InvalidValueError("upsert", f"is written for SQLite, MySQL and MariaDB, not {dialect}")
    statement = mysql_insert(shape.table)
    values = _new_values(shape, changed, statement.inserted)
    name, value = _first_value(shape, values)
    values = {name: _same_or_refused(shape, on, value, statement.inserted)} | (
        {other: given for other, given in values.items() if other != name}
    )
    return statement.on_duplicate_key_update(values)


def _changed(
    shape: ModelShape, on: tuple[str, ...], given: Collection[str], update: Sequence[str] | None
) -> list[str]:
    fixed = {*on, *shape.identity, shape.shard_key}
    if update is None:
        return [name for name in given if name not in fixed]
    for name in update:
        if name not in given:
            raise InvalidValueError("update", f"{name!r} is not among the values of the rows")
        if name in fixed:
            raise InvalidValueError("update", f"{name!r} belongs to the key, which doesn't change")
    return list(update)


def _new_values(shape: ModelShape, changed: Sequence[str], inserted: Any) -> dict[str, Any]:
    """Return what a row that is there is set to; SQLAlchemy leaves out `onupdate` here, so it is added."""
    columns = [_column(shape, name) for name in changed]
    values = {column.name: inserted[column.key] for column in columns}
    if changed:
        for column in shape.table.columns:
            if column.onupdate is not None and column.name not in values:
                values[column.name] = _moved(column, inserted)
    return values


def _moved(column: Column[Any], inserted: Any) -> Any:
    if column.default is not None:
        return inserted[column.key]
    onupdate: Any = column.onupdate
    return literal(onupdate.arg(None) if onupdate.is_callable else onupdate.arg, column.type)


class _Refused(ColumnElement[Any]):
    """What the server refuses to compute, in every mode: a subquery for one value that gives two."""

    inherit_cache = True
    type = NullType()


@compiles(_Refused)
def _write_refused(element: _Refused, compiler: SQLCompiler, **kw: Any) -> str:
    return "(SELECT NULL UNION ALL SELECT NULL)"


def _same_or_refused(shape: ModelShape, on: tuple[str, ...], value: Any, inserted: Any) -> Any:
    """Return a value for a column unless the row found isn't the row meant.

    MySQL takes no conflict target: any unique key leads to the update, and a row that shares only, say, an
    e-mail address would be overwritten. (NULL in place of `_Refused` would be taken for 0 as soon as the
    statement has several rows.)
    """
    if len(_unique_keys(shape)) == 1:
        return value
    columns = [_column(shape, name) for name in on]
    same = and_(*(column == inserted[column.key] for column in columns))
    return case((same, value), else_=_Refused())


def _first_value(shape: ModelShape, values: Mapping[str, Any]) -> tuple[str, Any]:
    """Return a column whose value may be computed (sessions refuse that for the key), and its value.

    The last one of the primary key, which keeps its value; where that is the key, one of the changes.
    """
    *_, last = shape.table.primary_key.columns
    if last.name == SHARD_KEY:
        last = next((column for column in shape.table.columns if column.name != SHARD_KEY), last)
        return next(iter(values.items()), (last.name, last))
    return last.name, last


def _column(shape: ModelShape, name: str) -> Column[Any]:
    column: Column[Any] = shape.columns[name].property.columns[0]
    return column


def _unique_keys(shape: ModelShape) -> list[set[str]]:
    uniques: list[UniqueConstraint | Index] = [index for index in shape.table.indexes if index.unique]
    uniques += [item for item in shape.table.constraints if isinstance(item, UniqueConstraint)]
    keys = [{column.name for column in shape.table.primary_key.columns}]
    return keys + [{str(getattr(column, "name", "")) for column in unique.columns} for unique in uniques]
