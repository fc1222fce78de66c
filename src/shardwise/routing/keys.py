"""Reads the shard key out of a statement.

The rule: every sharded table that occurs anywhere in the statement must be held to account keys, by a
predicate of the SELECT, UPDATE or DELETE in which it occurs or by an equality of its key with that of a
table that is. A table that isn't could hold rows of accounts elsewhere, so the statement names no shard.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BinaryExpression, BindParameter, ColumnElement, Select, Table, TextClause, Update
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.dml import Delete, Insert
from sqlalchemy.sql.elements import BooleanClauseList, Grouping
from sqlalchemy.sql.schema import Column
from sqlalchemy.sql.selectable import Alias, FromClause, Join, SelectBase, Subquery

from shardwise.errors import MissingShardKeyError, UnroutableStatementError
from shardwise.schema.base import SHARD_KEY, TablePlacement, placement_of

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
Keys = frozenset[int]


def statement_keys(statement: Executable, parameters: Parameters = None) -> Keys | None:
    """Return the account keys that a statement is held to.

    Args:
        statement: a SELECT, INSERT, UPDATE or DELETE, ORM or Core.
        parameters: what it will be executed with.

    Returns:
        The keys; an empty set if its predicates contradict each other; None if no sharded table occurs.

    Raises:
        MissingShardKeyError: a sharded table occurs without a key.
        UnroutableStatementError: the statement can't be analysed, or it reads a global table.
    """
    if isinstance(statement, Insert):
        return _insert_keys(statement, parameters)
    if isinstance(statement, (SelectBase, Update, Delete)):
        return _Analysis(_single(parameters)).keys(statement)
    kind = "text()" if isinstance(statement, TextClause) else type(statement).__name__
    raise UnroutableStatementError(
        f"{kind} can't be analysed for its account_db_key;"
        " run it in db.session(account_db_key) or db.shard_session(shard_id)"
    )


def _single(parameters: Parameters) -> Mapping[str, Any]:
    if not parameters:
        return {}
    if isinstance(parameters, Mapping):
        return parameters
    if len(parameters) == 1:
        return parameters[0]
    raise UnroutableStatementError(
        "an UPDATE or DELETE with a list of parameters isn't routed; execute it once for each account"
    )


def _insert_keys(statement: Insert, parameters: Parameters) -> Keys | None:
    table = statement.table
    if not isinstance(table, Table) or _is_unsharded(table):
        return None
    if statement.select is not None:
        raise UnroutableStatementError(
            f"INSERT … SELECT into {table.name} isn't routed; run it in db.session(account_db_key)"
        )
    fixed = {_name(column): value for column, value in (statement._values or {}).items()}
    rows: Iterable[Mapping[Any, Any]] = [
        {_name(column): value for column, value in row.items()}
        for rows in statement._multi_values
        for row in (rows if not isinstance(rows, Mapping) else [rows])
    ]
    if not rows:
        given = [parameters] if isinstance(parameters, Mapping) else (parameters or [{}])
        rows = [fixed | dict(row) for row in given]
    return frozenset(_row_key(table, row) for row in rows)


def _name(column: Any) -> str:
    return column if isinstance(column, str) else str(column.key)


def _row_key(table: Table, row: Mapping[Any, Any]) -> int:
    value = row.get(SHARD_KEY)
    if isinstance(value, BindParameter):
        value = value.effective_value
    if type(value) is not int:
        raise MissingShardKeyError(f"a row for {table.name} has no account_db_key, so no shard can be chosen")
    return value


def _is_unsharded(table: Table) -> bool:
    placement = placement_of(table)
    if placement is TablePlacement.REFERENCE:
        return True
    if placement is TablePlacement.SHARDED:
        return False
    where = "global_session()" if placement is TablePlacement.GLOBAL else "shard_session(shard_id)"
    raise UnroutableStatementError(f"{table.name} is a {placement} table; use db.{where}")


class _Analysis:
    """One walk through a statement with its parameters."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters

    def keys(self, statement: SelectBase | Update | Delete) -> Keys | None:
        if type(statement) is Select and (fast := self._plain_select(statement)) is not None:
            return fast
        found = [self._scope(scope) for scope in _scopes(statement)]
        known = [keys for keys in found if keys is not None]
        return frozenset().union(*known) if known else None

    def _plain_select(self, statement: Select[Any]) -> Keys | None:
        """Return the keys of a SELECT from one sharded table by simple predicates, the commonest form."""
        if statement._from_obj or statement._setup_joins or statement._independent_ctes:
            return None
        sources = {_plain_source(column) for column in statement._raw_columns}
        if len(sources) != 1 or (table := sources.pop()) is None:
            return None
        if table.info.get("placement") is not TablePlacement.SHARDED:
            return None
        keys = None
        for predicate in statement._where_criteria:
            if not isinstance(predicate, BinaryExpression) or not isinstance(predicate.right, BindParameter):
                return None
            column = predicate.left
            if not isinstance(column, Column) or column.table is not table:
                return None
            if column.key == SHARD_KEY:
                keys = _both(keys, self._comparison(predicate))
        return keys

    def _scope(self, scope: "_Scope") -> Keys | None:
        sharded = [table for table in scope.tables if not _is_unsharded(_base_table(table))]
        if not sharded:
            return None
        held: dict[FromClause, Keys] = {}
        for table in sharded:
            keys = self._conjunction(table, scope.predicates)
            if keys is not None:
                held[table] = keys
        _spread(held, sharded, scope.predicates)
        for table in sharded:
            if table not in held:
                raise MissingShardKeyError(
                    f"the statement reads {_base_table(table).name} without an account_db_key;"
                    " add `.where(Model.account_db_key == key)`, or use db.session(account_db_key)"
                )
        return frozenset().union(*held.values())

    def _conjunction(self, table: FromClause, predicates: Iterable[ColumnElement[Any]]) -> Keys | None:
        keys: Keys | None = None
        for predicate in predicates:
            keys = _both(keys, self._predicate(table, predicate))
        return keys

    def _predicate(self, table: FromClause, clause: Any) -> Keys | None:
        if isinstance(clause, Grouping):
            return self._predicate(table, clause.element)
        if isinstance(clause, BooleanClauseList):
            parts = [self._predicate(table, part) for part in clause.clauses]
            if clause.operator is operators.and_:
                return _all(parts)
            if clause.operator is operators.or_ and all(part is not None for part in parts):
                return frozenset().union(*(part for part in parts if part is not None))
            return None
        if isinstance(clause, BinaryExpression) and _is_key_of(clause.left, table):
            return self._comparison(clause)
        if isinstance(clause, BinaryExpression) and _is_key_of(clause.right, table):
            return self._values(clause.left) if clause.operator is operators.eq else None
        return None

    def _comparison(self, clause: BinaryExpression[Any]) -> Keys | None:
        if clause.operator is operators.eq or clause.operator is operators.in_op:
            return self._values(clause.right)
        return None

    def _values(self, value: Any) -> Keys | None:
        if not isinstance(value, BindParameter):
            return None
        given = self._parameters.get(value.key) if value.key in self._parameters else value.effective_value
        items = given if isinstance(given, (list, tuple, set, frozenset)) else [given]
        if any(type(item) is not int for item in items):
            return None
        return frozenset(items)


class _Scope:
    """One SELECT, UPDATE or DELETE: the tables it names and the predicates that all its rows meet."""

    def __init__(self, tables: Sequence[FromClause], predicates: Sequence[ColumnElement[Any]]) -> None:
        self.tables = tables
        self.predicates = predicates


def _scopes(statement: Any) -> Iterator[_Scope]:
    """Yield every query block of a statement, the nested ones too."""
    for element in visitors.iterate(statement):
        if isinstance(element, Select):
            froms = element.get_final_froms()
            tables: list[FromClause] = []
            predicates = [*element._where_criteria]
            for source in froms:
                _collect(source, tables, predicates)
            yield _Scope(tables, predicates)
        elif isinstance(element, (Update, Delete)):
            extra: list[FromClause] = []
            predicates = [*element._where_criteria]
            _collect(element.table, extra, predicates)
            yield _Scope(extra, predicates)
        elif isinstance(element, TextClause):
            raise UnroutableStatementError("a text() fragment hides which rows a statement reads")


def _collect(source: Any, tables: list[FromClause], predicates: list[ColumnElement[Any]]) -> None:
    if isinstance(source, Join):
        _collect(source.left, tables, predicates)
        _collect(source.right, tables, predicates)
        if not source.full and source.onclause is not None and not source.isouter:
            predicates.append(source.onclause)
        elif source.onclause is not None:
            predicates.append(_OuterOn(source.onclause, source.right))  # type: ignore[arg-type]
    elif isinstance(source, Table) or (isinstance(source, Alias) and isinstance(source.element, Table)):
        tables.append(source)
    elif isinstance(source, Subquery) or hasattr(source, "element"):
        return  # its own SELECT is a scope of its own
    elif isinstance(source, FromClause):
        raise UnroutableStatementError(
            f"{type(source).__name__} in FROM can't be analysed for its account_db_key"
        )


class _OuterOn:
    """The ON clause of an outer join, which holds only the rows of its right side."""

    def __init__(self, clause: ColumnElement[Any], right: FromClause) -> None:
        self.clause = clause
        self.right = right


def _spread(held: dict[FromClause, Keys], sharded: list[FromClause], predicates: Iterable[Any]) -> None:
    """Pass keys on along equalities between the keys of two tables, as joins on the shard key make them."""
    pairs = [pair for predicate in predicates for pair in _key_pairs(predicate, sharded)]
    changed = True
    while changed:
        changed = False
        for left, right, both_ways in pairs:
            if left in held and right not in held:
                held[right] = held[left]
                changed = True
            elif both_ways and right in held and left not in held:
                held[left] = held[right]
                changed = True


def _key_pairs(predicate: Any, sharded: list[FromClause]) -> Iterator[tuple[FromClause, FromClause, bool]]:
    outer = isinstance(predicate, _OuterOn)
    clause = predicate.clause if outer else predicate
    parts = clause.clauses if _is_and(clause) else [clause]
    for part in parts:
        if not isinstance(part, BinaryExpression) or part.operator is not operators.eq:
            continue
        left = next((t for t in sharded if _is_key_of(part.left, t)), None)
        right = next((t for t in sharded if _is_key_of(part.right, t)), None)
        if left is None or right is None:
            continue
        if not outer:
            yield left, right, True
        elif right in _tables_of(predicate.right):
            yield left, right, False
        else:
            yield right, left, False


def _is_and(clause: Any) -> bool:
    return isinstance(clause, BooleanClauseList) and clause.operator is operators.and_


def _tables_of(source: FromClause) -> list[FromClause]:
    tables: list[FromClause] = []
    _collect(source, tables, [])
    return tables


def _both(left: Keys | None, right: Keys | None) -> Keys | None:
    if left is None or right is None:
        return right if left is None else left
    return left & right


def _all(parts: Iterable[Keys | None]) -> Keys | None:
    keys: Keys | None = None
    for part in parts:
        keys = _both(keys, part)
    return keys


def _is_key_of(column: Any, table: FromClause) -> bool:
    return getattr(column, "key", None) == SHARD_KEY and _deannotated(
        getattr(column, "table", None)
    ) is _deannotated(table)


def _deannotated(source: Any) -> Any:
    return getattr(source, "_deannotate", lambda: source)() if source is not None else None


def _base_table(source: FromClause) -> Table:
    base = source.element if isinstance(source, Alias) else source
    return _deannotated(base)  # type: ignore[no-any-return]


def _plain_source(column: Any) -> Table | None:
    """Return the table of a selected entity or column, or None for anything less plain."""
    if isinstance(column, Table):
        return getattr(column, "_Annotated__element", column)  # the table behind an ORM entity
    return column.table if isinstance(column, Column) and isinstance(column.table, Table) else None
