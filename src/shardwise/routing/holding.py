"""Which accounts' rows a query block is held to.

A table is held to account keys if the rows of other accounts have no part in the block's result: by a
condition on its key (`= x`, `IN (...)`, through AND and OR), or by an equality of its key with that of a
table that is held. An outer join's ON holds its right side only, a FULL JOIN's nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BinaryExpression
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BooleanClauseList, Grouping, Label
from sqlalchemy.sql.selectable import FromClause

from shardwise.routing.binds import Binds, Keys
from shardwise.routing.scopes import Condition, plain, split_and
from shardwise.schema.base import SHARD_KEY

Held = dict[FromClause, Keys]


def held_tables(
    tables: Iterable[FromClause],
    conditions: Sequence[Condition],
    binds: Binds,
    around: Mapping[FromClause, Keys],
) -> Held:
    """Return the keys that each table is held to; a table that isn't held is missing.

    Args:
        tables: the sharded tables of a query block, without annotations.
        conditions: what its rows meet.
        binds: what the other side of a comparison stands for.
        around: the held tables of the blocks around it.
    """
    own = set(tables)
    held: Held = {}
    for condition in conditions:
        for table in own if condition.of is None else own & condition.of:
            _narrow(held, table, _keys(table, condition.clause, binds))
    equal = [pair for condition in conditions for pair in _equal_keys(condition)]
    changed = True
    while changed:
        changed = False
        for source, target, of in equal:
            if target in own and (of is None or target in of):
                known = held.get(source) if source in own else around.get(source)
                changed |= _narrow(held, target, known)
    return held


def _narrow(held: Held, table: FromClause, keys: Keys | None) -> bool:
    """Hold a table to these keys too; return whether that says more than before."""
    if keys is None:
        return False
    before = held.get(table)
    held[table] = after = keys if before is None else before & keys
    return after != before


def _keys(table: FromClause, clause: Any, binds: Binds) -> Keys | None:
    """Return the keys that a condition holds a table to, None if it doesn't."""
    if isinstance(clause, Grouping):
        return _keys(table, clause.element, binds)
    if isinstance(clause, BooleanClauseList):
        return _combined([_keys(table, part, binds) for part in clause.clauses], clause.operator)
    if isinstance(clause, BinaryExpression):
        return _compared(table, clause, binds)
    return None


def _combined(parts: list[Keys | None], operator: Any) -> Keys | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if operator is operators.and_:
        return frozenset.intersection(*known)
    if operator is operators.or_ and len(known) == len(parts):
        return frozenset().union(*known)
    return None


def _compared(table: FromClause, clause: BinaryExpression[Any], binds: Binds) -> Keys | None:
    several = clause.operator is operators.in_op
    if not several and clause.operator is not operators.eq:
        return None
    if key_table(clause.left) is table:
        return binds.keys(clause.right, several=several)
    if key_table(clause.right) is table and not several:
        return binds.keys(clause.left)
    return None


def _equal_keys(
    condition: Condition,
) -> Iterable[tuple[FromClause, FromClause, frozenset[FromClause] | None]]:
    for part in split_and(
        condition.clause.element if isinstance(condition.clause, Grouping) else condition.clause
    ):
        if isinstance(part, BinaryExpression) and part.operator is operators.eq:
            left, right = key_table(part.left), key_table(part.right)
            if left is not None and right is not None:
                yield left, right, condition.of
                yield right, left, condition.of


def key_table(column: Any) -> FromClause | None:
    """Return the table or alias whose account key a column is, None if it is something else."""
    while isinstance(column, (Label, Grouping)):
        column = column.element
    if getattr(column, "name", None) != SHARD_KEY:
        return None
    return plain(getattr(column, "table", None))  # type: ignore[no-any-return]
