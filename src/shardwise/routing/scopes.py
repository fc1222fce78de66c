"""Finds every query block of a statement: which tables it reads, and which conditions its rows meet.

The statement is compiled, without being executed, by a compiler that takes notes. So what is seen is what
would be sent: correlation as SQLAlchemy decides it, joins that the ORM adds for inheritance and eager
loading, criteria of options, expressions behind attributes. What hides its rows from the compiler (text,
hints, literal SQL) is refused.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects.mysql.base import MySQLCompiler, MySQLDialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import operators
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.sql.selectable import (
    CTE,
    Alias,
    FromClause,
    FromGrouping,
    Join,
    Subquery,
    TableValuedAlias,
    Values,
)

from shardwise.errors import UnroutableStatementError

_HARMLESS_LITERAL = re.compile(r"\*|[\w.]+|'[^'\\]*'")
_HARMLESS_OPERATOR = re.compile(r"[-+*/%<>=!&^~@#?:]+|[A-Za-z ]+")
_WAY_OUT = "run it in db.session(account_db_key) or db.shard_session(shard_id)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that rows meet.

    Attributes:
        clause: the condition, no AND.
        of: the tables whose other rows have no part in the result. None = all those of the query block;
            for an outer join's ON, those of its right side, as the left side's rows stay without a match.
    """

    clause: ColumnElement[Any]
    of: frozenset[FromClause] | None = None


@dataclass(slots=True, kw_only=True)
class Scope:
    """One query block: a SELECT, UPDATE or DELETE.

    Attributes:
        tables: the tables and aliases in its FROM, each occurrence by itself.
        conditions: what its rows meet.
        parent: the block around it, whose tables it may name.
        writes: whether it is an UPDATE or DELETE.
        names: what everything in its FROM is called.
    """

    tables: list[FromClause] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    parent: "Scope | None" = None
    writes: bool = False
    names: dict[str, FromClause] = field(default_factory=dict)


def scopes_of(statement: Executable) -> tuple[list[Scope], Mapping[str, Any]]:
    """Return every query block of a statement, outer ones before those inside them, and its `params()`.

    Raises:
        UnroutableStatementError: a part of the statement can't be looked into.
    """
    recorder: Any = _NotingDialect.statement_compiler
    try:
        notes: _NotingCompiler = recorder(_DIALECT, statement)
    except (SQLAlchemyError, AttributeError, TypeError, NotImplementedError) as error:
        raise UnroutableStatementError(f"the statement can't be analysed ({error}); {_WAY_OUT}") from error
    seen = {base_table(table) for scope in notes.scopes for table in scope.tables}
    if not notes.rendered <= seen:
        raise refusal("a table in a place that isn't a FROM")
    return notes.scopes, getattr(notes, "_collected_params", {})  # 2.0 puts params() into the binds


def refusal(what: str) -> UnroutableStatementError:
    """Return the error for a part of a statement that hides which rows it reads."""
    return UnroutableStatementError(f"{what} hides which rows a statement reads; {_WAY_OUT}")


def plain(source: Any) -> Any:
    """Return what an ORM entity's or attribute's annotated copy was made from."""
    return source._deannotate() if source is not None and hasattr(source, "_deannotate") else source


def base_table(source: FromClause) -> Table:
    """Return the table behind an alias."""
    base = plain(source)
    return plain(base.element if isinstance(base, Alias) else base)  # type: ignore[no-any-return]


def split_and(clause: Any) -> Iterable[Any]:
    """Yield the parts of a condition that all have to hold."""
    if isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
        for part in clause.clauses:
            yield from split_and(part)
    else:
        yield clause


class _NotingCompiler(MySQLCompiler):
    """Notes query blocks while it compiles, and refuses what it can't look into."""

    scopes: list[Scope]
    rendered: set[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.scopes, self.rendered = [], set()
        self._by_entry: dict[int, Scope] = {}
        super().__init__(*args, **kwargs)

    def _note(self, froms: Sequence[Any], criteria: Iterable[Any], *, writes: bool = False) -> None:
        enclosing = (self._by_entry.get(id(entry)) for entry in reversed(self.stack[:-1]))
        scope = Scope(parent=next(filter(None, enclosing), None), writes=writes)
        scope.conditions = [Condition(clause=part) for clause in criteria for part in split_and(clause)]
        for source in froms:
            _collect(source, scope)
        self._by_entry[id(self.stack[-1])] = scope
        self.scopes.append(scope)

    def _setup_select_stack(self, select: Any, *args: Any) -> Any:
        stock: Any = super()._setup_select_stack
        froms = stock(select, *args)
        if select._hints or select._statement_hints:
            raise refusal("a hint")
        self._note(froms, select._where_criteria)
        return froms

    def update_tables_clause(self, update_stmt: Any, from_table: Any, extra_froms: Any, **kw: Any) -> Any:
        self._note_write(update_stmt, from_table, extra_froms)
        return super().update_tables_clause(update_stmt, from_table, extra_froms, **kw)

    def delete_table_clause(self, delete_stmt: Any, from_table: Any, extra_froms: Any, **kw: Any) -> Any:
        self._note_write(delete_stmt, from_table, extra_froms)
        return super().delete_table_clause(delete_stmt, from_table, extra_froms, **kw)

    def _note_write(self, statement: Any, table: Any, others: Any) -> None:
        if len(self.stack) > 1 or self.scopes:
            raise refusal("an UPDATE or DELETE inside another statement")
        if statement._hints:
            raise refusal("a hint")
        self._note(
            [table, *(other for other in others or () if other is not table)],
            statement._where_criteria,
            writes=True,
        )

    def visit_insert(self, insert_stmt: Any, *args: Any, **kw: Any) -> Any:
        raise refusal("an INSERT inside another statement")

    def visit_table(self, table: Any, *args: Any, **kw: Any) -> Any:
        if args or kw.get("asfrom") or kw.get("ashint"):
            self.rendered.add(plain(table))
        stock: Any = super().visit_table
        return stock(table, *args, **kw)

    def visit_textclause(self, textclause: Any, *args: Any, **kw: Any) -> Any:
        raise refusal("a text() fragment")

    def visit_textual_select(self, taf: Any, *args: Any, **kw: Any) -> Any:
        raise refusal("a text() fragment")

    def visit_column(self, column: Any, *args: Any, **kw: Any) -> Any:
        if column.is_literal and not _HARMLESS_LITERAL.fullmatch(column.name):
            raise refusal("a literal_column()")
        return super().visit_column(column, *args, **kw)

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> Any:
        if operator.precedence > 0 or not _HARMLESS_OPERATOR.fullmatch(operator.opstring):
            raise refusal("an operator made of text")
        stock: Any = super().visit_custom_op_binary
        return stock(element, operator, **kw)


class _NotingDialect(MySQLDialect):
    """MySQL as far as compiling goes; the words it would be sent in don't matter, only what is in them."""

    statement_compiler = _NotingCompiler
    supports_statement_cache = False
    insert_returning = update_returning = delete_returning = True


_DIALECT = _NotingDialect()


def _collect(source: Any, scope: Scope) -> list[FromClause]:
    """Add the tables of a FROM element and the conditions of its joins to a scope; return the tables."""
    bare = plain(source)
    if isinstance(bare, FromGrouping):
        return _collect(bare.element, scope)
    if isinstance(bare, Join):
        return _collect_join(source, scope)
    if isinstance(bare, Table) or (isinstance(bare, Alias) and isinstance(plain(bare.element), Table)):
        _take_name(bare, scope)
        scope.tables.append(source)
        return [source]
    if isinstance(bare, (Subquery, CTE, Values, TableValuedAlias)):
        _take_name(bare, scope)
        return []  # its own query block is noted when it is compiled; the others have no rows of ours
    raise refusal(f"{type(bare).__name__} in FROM")


def _take_name(source: Any, scope: Scope) -> None:
    """Refuse a name that means something else here or in a block around: `z.key` would be the inner one's."""
    name = str(source.name).lower()
    block: Scope | None = scope
    while block is not None:
        known = block.names.get(name, source)
        both_ctes = isinstance(known, CTE) and isinstance(source, CTE)  # a recursive one and itself
        if known is not source and not both_ctes:
            raise refusal(f"the name {source.name}, which two tables have,")
        block = block.parent
    scope.names[name] = source


def _collect_join(join: Any, scope: Scope) -> list[FromClause]:
    left, right = _collect(join.left, scope), _collect(join.right, scope)
    if join.onclause is not None and not join.full:
        of = frozenset(map(plain, right)) if join.isouter else None
        scope.conditions += [Condition(clause=part, of=of) for part in split_and(join.onclause)]
    return left + right
