"""Reads the shard key out of a statement.

The rule: every sharded table that occurs anywhere in a statement must be held to account keys, so that the
rows of other accounts have no part in its result. Then one shard gives the answer that a single database
with the rows of all shards would give. A statement of which that can't be shown is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, TextClause, Update
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.dml import Delete, Insert
from sqlalchemy.sql.selectable import FromClause, SelectBase

from shardwise.errors import MissingShardKeyError, UnroutableStatementError
from shardwise.routing.binds import Binds, Keys
from shardwise.routing.holding import Held, held_tables
from shardwise.routing.plain_select import plain_select_keys
from shardwise.routing.scopes import Scope, base_table, plain, scopes_of
from shardwise.routing.writes import Parameters, insert_keys, refuse_changed_key, require_sharded
from shardwise.schema.base import TablePlacement, placement_of


def statement_keys(statement: Executable, parameters: Parameters = None) -> Keys | None:
    """Return the account keys that a statement is held to.

    Args:
        statement: a SELECT, INSERT, UPDATE or DELETE, ORM or Core.
        parameters: what it will be executed with.

    Returns:
        The keys; an empty set if its conditions contradict each other; None if it reads reference tables
        only, which every shard has.

    Raises:
        MissingShardKeyError: a sharded table occurs without a key.
        ShardKeyChangedError: an UPDATE would set the key.
        UnroutableStatementError: the statement can't be analysed, or names a table that isn't on every shard.
    """
    if isinstance(statement, Insert):
        return insert_keys(statement, parameters)
    if isinstance(statement, Select):
        keys = plain_select_keys(statement, Binds(_own_params(statement) | _single(parameters)))
        if keys is not None:
            return keys
    if isinstance(statement, (SelectBase, Update, Delete)):
        scopes, params = scopes_of(statement)
        binds = Binds({**params, **_single(parameters)})
        if isinstance(statement, Update):
            refuse_changed_key(statement, binds.parameters)
        return _keys(scopes, binds)
    kind = "text()" if isinstance(statement, TextClause) else type(statement).__name__
    raise UnroutableStatementError(
        f"{kind} can't be analysed for its account_db_key;"
        " run it in db.session(account_db_key) or db.shard_session(shard_id)"
    )


def _own_params(statement: Executable) -> dict[str, Any]:
    """Return what `statement.params(...)` was given; SQLAlchemy 2.0 has it in the binds already."""
    return dict(getattr(statement, "_params", ()))


def _single(parameters: Parameters) -> dict[str, Any]:
    if not parameters:
        return {}
    if isinstance(parameters, Mapping):
        return dict(parameters)
    if len(parameters) == 1:
        return dict(parameters[0])
    raise UnroutableStatementError(
        "only an INSERT is routed with a list of parameters; execute the statement once for each account"
    )


def _keys(scopes: Sequence[Scope], binds: Binds) -> Keys | None:
    """Return the keys of all blocks together; each block knows what those around it are held to."""
    held: dict[int, Held] = {}
    found: set[int] = set()
    reads_sharded = False
    for scope in scopes:
        around = held[id(scope.parent)] if scope.parent is not None else {}
        sharded = [plain(table) for table in scope.tables if _is_sharded(table, scope)]
        own = held_tables(sharded, scope.conditions, binds, around)
        for table in sharded:
            if table not in own:
                raise MissingShardKeyError(
                    f"the statement reads {base_table(table).name} without an account_db_key;"
                    " add `.where(Model.account_db_key == key)`, or use db.session(account_db_key)"
                )
            found |= own[table]
            reads_sharded = True
        held[id(scope)] = {**around, **own}
    return frozenset(found) if reads_sharded else None


def _is_sharded(table: FromClause, scope: Scope) -> bool:
    base = base_table(table)
    if scope.writes:
        require_sharded(base, "UPDATE or DELETE of")
    placement = placement_of(base)
    if placement in (TablePlacement.GLOBAL, TablePlacement.LOCAL):
        where = "global_session()" if placement is TablePlacement.GLOBAL else "shard_session(shard_id)"
        raise UnroutableStatementError(f"{base.name} is a {placement} table; use db.{where}")
    return placement is TablePlacement.SHARDED
