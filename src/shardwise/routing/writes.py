"""What a writing statement does to account keys: the rows of an INSERT, the columns of an UPDATE."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Table
from sqlalchemy.orm import Mapper
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import Insert, Update
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.selectable import SelectBase

from shardwise.errors import MissingShardKeyError, ShardKeyChangedError, UnroutableStatementError
from shardwise.routing.binds import Keys
from shardwise.schema.base import SHARD_KEY, TablePlacement, placement_of

Row = Mapping[Any, Any]
Parameters = Row | Sequence[Row] | None
_WAY_OUT = "run it in db.session(account_db_key)"


def insert_keys(statement: Insert, parameters: Parameters) -> Keys:
    """Return the account keys of an INSERT's rows.

    Args:
        statement: the INSERT, ORM or Core.
        parameters: what it will be executed with.

    Raises:
        MissingShardKeyError: a row has no key.
        ShardKeyChangedError: an upsert would set the key of a row that is there.
        UnroutableStatementError: its rows come from the database, or its table isn't sharded.
    """
    table: Any = statement.table._deannotate()
    if not isinstance(table, Table):
        raise UnroutableStatementError(f"INSERT into {table} can't be routed; {_WAY_OUT}")
    require_sharded(table, "INSERT into")
    _refuse_queries(statement, table)
    refuse_upserted_key(statement, table)
    _refuse_upsert_queries(statement, table)
    return row_keys(statement, table, parameters)


def row_keys(statement: Insert, table: Table, parameters: Parameters) -> Keys:
    """Return the account keys of an INSERT's rows, whatever else there is to it.

    Raises:
        MissingShardKeyError: a row has no key.
        UnroutableStatementError: parameters could replace keys of its VALUES.
    """
    given = [parameters] if isinstance(parameters, Mapping) else list(parameters or [{}])
    name = _key_attribute(statement)
    if statement._multi_values:
        if any(given):
            raise UnroutableStatementError(
                "an INSERT of several VALUES with parameters besides can't be routed"
            )
        rows: Iterable[Any] = (row for rows in statement._multi_values for row in rows)
        named = (
            row if isinstance(row, Mapping) else dict(zip(table.c.keys(), row, strict=False)) for row in rows
        )
        return frozenset(_row_key(table, _named(row), {}, name) for row in named)
    fixed = _named(statement._values or {})
    if not fixed:
        keys: set[Any] = {row.get(name) for row in given}  # quick for many rows
        if all(type(key) is int for key in keys):
            return frozenset(keys)
    return frozenset(_row_key(table, fixed, row, name) for row in given)


def require_sharded(table: Table, doing: str) -> None:
    """Refuse to write a table whose rows belong to no account, through a session that routes by account.

    Args:
        table: the table.
        doing: what would be done, for the error.

    Raises:
        UnroutableStatementError: the table isn't sharded.
    """
    placement = placement_of(table)
    if placement is not TablePlacement.SHARDED:
        where = "global_session()" if placement is TablePlacement.GLOBAL else "shard_session(shard_id)"
        raise UnroutableStatementError(f"{doing} {table.name}: it is a {placement} table; use db.{where}")


def _refuse_queries(statement: Insert, table: Table) -> None:
    if statement._prefixes:
        raise UnroutableStatementError(
            f"a prefix of an INSERT into {table.name} can't be looked into; {_WAY_OUT}"
        )
    if statement.select is not None:
        raise UnroutableStatementError(f"INSERT … SELECT into {table.name} can't be routed; {_WAY_OUT}")
    for element in visitors.iterate(statement):
        if isinstance(element, (SelectBase, TextClause)) or getattr(element, "is_literal", False):
            raise UnroutableStatementError(
                f"a query or text() within an INSERT into {table.name} can't be routed; {_WAY_OUT}"
            )


def refuse_upserted_key(statement: Insert, table: Table) -> None:
    """Refuse an ON DUPLICATE KEY UPDATE or ON CONFLICT that sets the key of the row that is there.

    Raises:
        ShardKeyChangedError: it does.
    """
    for column, value in _upsert_changes(statement).items():
        if getattr(column, "name", column) == SHARD_KEY and getattr(value, "name", None) != SHARD_KEY:
            raise ShardKeyChangedError(f"an upsert into {table.name} would change account_db_key")


def _upsert_changes(statement: Insert) -> dict[Any, Any]:
    clause: Any = statement._post_values_clause
    return dict(getattr(clause, "update", None) or getattr(clause, "update_values_to_set", None) or ())


def _refuse_upsert_queries(statement: Insert, table: Table) -> None:
    condition = getattr(statement._post_values_clause, "update_whereclause", None)
    parts = [*_upsert_changes(statement).values(), condition]
    for part in parts:
        if part is not None and hasattr(part, "get_children"):
            for element in visitors.iterate(part):
                if isinstance(element, (SelectBase, TextClause)) or getattr(element, "is_literal", False):
                    raise UnroutableStatementError(
                        f"a query or text() within an upsert into {table.name} can't be routed; {_WAY_OUT}"
                    )


def _key_attribute(statement: Insert) -> str:
    """Return what rows call the key: the attribute's name where the INSERT is of a model."""
    mapper: Any = statement._propagate_attrs.get("plugin_subject")
    if isinstance(mapper, Mapper):
        return mapper.get_property_by_column(mapper.local_table.c[SHARD_KEY]).key
    return SHARD_KEY


def _named(row: Row) -> dict[str, Any]:
    return {column if isinstance(column, str) else column.key: value for column, value in row.items()}


def _row_key(table: Table, fixed: Row, row: Row, name: str) -> int:
    """Return the key of a row of parameters beside the values that the statement has for all rows."""
    values = [
        source[key] for source in (fixed, row) for key in dict.fromkeys((name, SHARD_KEY)) if key in source
    ]
    found = {_literal(value, row) for value in values}
    if len(found) != 1 or type(key := found.pop()) is not int:
        raise MissingShardKeyError(
            f"a row for {table.name} has no account_db_key, or more than one; no shard can be chosen"
        )
    return key


def _literal(value: Any, row: Row) -> Any:
    if not isinstance(value, BindParameter):
        return value if type(value) is int else None
    if value.callable is not None:
        return None
    return row.get(value.key, value.value)


def refuse_changed_key(statement: Update, parameters: Iterable[str]) -> None:
    """Refuse an UPDATE that sets the key, by its values or by parameters, which become values too.

    Raises:
        ShardKeyChangedError: it does.
    """
    mapper: Any = statement._propagate_attrs.get("plugin_subject")
    attributes: Any = mapper.column_attrs if isinstance(mapper, Mapper) else {}
    ordered: Any = getattr(statement, "_ordered_values", None) or ()
    changed = [*(statement._values or ()), *(column for column, _ in ordered), *parameters]
    for column in changed:
        names = {getattr(column, "name", column)}
        if isinstance(column, str) and column in attributes:
            names = {stored.name for stored in attributes[column].columns}
        if SHARD_KEY in names:
            raise ShardKeyChangedError(
                "an UPDATE would change account_db_key; a row doesn't change its account,"
                " delete it and create another one"
            )
