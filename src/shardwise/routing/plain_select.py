"""The commonest statement, a SELECT from one table by comparisons with values, without a look further."""

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BinaryExpression, BindParameter, Column, Select, Table
from sqlalchemy.orm import Mapper
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import UnaryExpression

from shardwise.routing.binds import Binds, Keys
from shardwise.schema.base import SHARD_KEY, TablePlacement

_COMPARISONS = frozenset(
    (operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge, operators.in_op)
)
_plain_mappers: WeakKeyDictionary[Mapper[Any], bool] = WeakKeyDictionary()


def plain_select_keys(statement: Select[Any], binds: Binds) -> Keys | None:
    """Return the keys of a SELECT that is as plain as that, None if it isn't or names none.

    Every part of the statement that could bring in another table or text is looked at; one that isn't
    known to be harmless makes the statement not plain.
    """
    if _has_more_parts(statement):
        return None
    table: Table | None = None
    for selected in statement._raw_columns:
        source = _table_of(selected)
        if source is None or (table is not None and source is not table):
            return None
        table = source
    if table is None or table.info.get("placement") is not TablePlacement.SHARDED:
        return None
    if not all(_is_plain_order(clause, table) for clause in statement._order_by_clauses):
        return None
    return _keys(statement._where_criteria, table, binds)


def _has_more_parts(statement: Any) -> bool:
    locks = statement._for_update_arg
    limits = statement._limit_clause, statement._offset_clause
    return bool(
        statement._from_obj
        or statement._setup_joins
        or statement._memoized_select_entities
        or statement._independent_ctes
        or statement._with_options
        or statement._group_by_clauses
        or statement._having_criteria
        or statement._prefixes
        or statement._suffixes
        or statement._hints
        or statement._statement_hints
        or statement._distinct_on
        or statement._correlate
        or statement._correlate_except is not None
        or statement._fetch_clause is not None
        or (locks is not None and locks.of)
        or any(limit is not None and not isinstance(limit, BindParameter) for limit in limits)
    )


def _table_of(selected: Any) -> Table | None:
    """Return the table of a selected plain entity or column, None for anything else."""
    table: Any
    if isinstance(selected, Column):
        table = selected.table
    elif isinstance(selected, Table):
        mapper = selected._annotations.get("parententity")
        if not isinstance(mapper, Mapper) or not _is_plain(mapper):
            return None
        table = selected
    else:
        return None
    return table._deannotate() if isinstance(table, Table) else None


def _is_plain(mapper: Mapper[Any]) -> bool:
    """Return whether loading an entity reads its table alone."""
    known = _plain_mappers.get(mapper)
    if known is None:
        known = _plain_mappers[mapper] = (
            mapper.selectable is mapper.local_table
            and not mapper.with_polymorphic_mappers
            and all(isinstance(c, Column) for prop in mapper.column_attrs for c in prop.columns)
            and all(relation.lazy not in (False, "joined") for relation in mapper.relationships)
        )
    return known


def _is_plain_order(clause: Any, table: Table) -> bool:
    if isinstance(clause, UnaryExpression):
        clause = clause.element
    return isinstance(clause, Column) and _table_of(clause) is table


def _keys(criteria: Iterable[Any], table: Table, binds: Binds) -> Keys | None:
    keys: Keys | None = None
    for predicate in criteria:
        if not isinstance(predicate, BinaryExpression) or predicate.operator not in _COMPARISONS:
            return None
        column = predicate.left
        if not isinstance(predicate.right, BindParameter) or not isinstance(column, Column):
            return None
        if _table_of(column) is not table:
            return None
        if column.name == SHARD_KEY and predicate.operator in (operators.eq, operators.in_op):
            found = binds.keys(predicate.right, several=predicate.operator is operators.in_op)
            if found is None:
                return None
            keys = found if keys is None else keys & found
    return keys
