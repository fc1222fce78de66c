"""Runs a registered procedure as the old server ran it: in one transaction, its failures logged."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    CommitOutcomeUnknownError,
    DatabaseConnectionError,
    ProcedureScopeError,
    ShardwiseError,
    UnknownAccountError,
    WrongShardError,
)
from shardwise.legacy.arguments import account_of, bind_arguments
from shardwise.legacy.error_log import Failure, failure_of, write_failure
from shardwise.legacy.following import refresh_topology
from shardwise.legacy.procedure import Call, OnError, Procedure, Rows, Scope
from shardwise.legacy.rows import code, plain_row

Arguments = dict[str, Any]

_CHANGES_TOPOLOGY = frozenset({"fp_update_shard_status"})
# What the old server's handlers never saw, so that no caller expects it in a row.
_ALWAYS_RAISED = (
    DatabaseConnectionError,
    CommitOutcomeUnknownError,
    WrongShardError,
    UnknownAccountError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended.

    Attributes:
        rows: what the caller gets, unless there is an error.
        error: what the caller gets raised.
        failure: what the log gets.
    """

    rows: Rows
    error: Exception | None = None
    failure: Failure | None = None


async def call_registered(
    db: ShardedDatabase, procedure: Procedure, given: Sequence[Any], *, shard_id: int | None = None
) -> Rows:
    """Run a registered procedure in a transaction of its own, and commit before returning.

    Run again, whole, after deadlocks, lock timeouts and connections lost before COMMIT.

    Args:
        db: the open database.
        procedure: what to run.
        given: its parameters in order.
        shard_id: the shard to run it on; None = the global database.

    Returns:
        The rows of all its result sets, one after the other, with the values of the old driver. Where the
        old procedure reported its failures in a row, such a row.

    Raises:
        ProcedureScopeError: it doesn't belong to this database.
        UnknownShardError: there is no such shard.
        ShardUnavailableError: it can't serve.
        InvalidValueError: a parameter is missing, too many, or not of its type.
        WrongShardError: the account lives on another shard.
        UnknownAccountError: a writing procedure, and the account has no shard.
        Exception: what the procedure failed with. Except for the first three, a row in `table_errorlog`
            of the database says so.
    """
    check_scope(procedure, shard_id)
    if shard_id is not None:
        await db.topology.manager(shard_id)

    @db.with_retry
    async def run(arguments: Arguments) -> Rows:
        async with await _session_for(db, procedure, arguments, shard_id) as session:
            return await run_body(procedure, Call(db=db, session=session, shard_id=shard_id), arguments)

    outcome = await attempt(procedure, given, run)
    if outcome.failure is not None:
        await write_failure(db, shard_id, outcome.failure)
    if outcome.error is not None:
        raise outcome.error
    if procedure.writes and outcome.failure is None:
        await follow(db, procedure)
    return outcome.rows


def check_scope(procedure: Procedure, shard_id: int | None) -> None:
    """Refuse a call on a database that the procedure doesn't belong to.

    Args:
        procedure: what is called.
        shard_id: the shard; None = the global database.

    Raises:
        ProcedureScopeError: it was called on a shard and belongs to the global database, or the reverse.
    """
    if procedure.scope is Scope.GLOBAL and shard_id is not None:
        raise ProcedureScopeError(
            procedure.name,
            f"it belongs to the global database, not to shard {shard_id}; use call_global_procedure",
        )
    if procedure.scope is Scope.SHARD and shard_id is None:
        raise ProcedureScopeError(
            procedure.name, "it belongs to the shards, not to the global database; use call_shard_procedure"
        )


async def attempt(
    procedure: Procedure, given: Sequence[Any], run: Callable[[Arguments], Awaitable[Rows]]
) -> Outcome:
    """Run a procedure's body with the arguments of a call, and say how it ended.

    A cancelled call is no outcome: it leaves as it came.
    """
    bound = False
    try:
        arguments = bind_arguments(procedure, given)
        bound = True
        return Outcome(rows=await run(arguments))
    except Exception as error:  # noqa: BLE001  # kept in the outcome, to be raised after it was logged
        failure = failure_of(procedure, given, error)
        if bound and procedure.on_error is OnError.ERROR_ROW and _is_for_a_row(error):
            row = plain_row(code(1, str(error), **procedure.error_row))
            return Outcome(rows=[row], failure=failure)
        return Outcome(rows=[], error=error, failure=failure)


async def run_body(procedure: Procedure, call: Call, arguments: Arguments) -> Rows:
    """Run a procedure in a session that somebody else ends; returns rows as the old driver gave them."""
    return [plain_row(row) for row in await procedure.run(call, **arguments)]


async def check_home(db: ShardedDatabase, procedure: Procedure, key: int, shard_id: int) -> bool:
    """Return whether an account lives on the shard on which a procedure is called for it.

    Returns:
        False if it lives nowhere, and the procedure only reads: then it finds nothing.

    Raises:
        WrongShardError: it lives on another shard.
        UnknownAccountError: it lives nowhere, and the procedure writes.
    """
    try:
        placement = await db.where(key)
    except UnknownAccountError:
        if procedure.writes:
            raise
        return False
    if placement.shard_id != shard_id:
        raise WrongShardError(
            f"{procedure.name} was called on shard {shard_id} for account {key}, which lives on shard"
            f" {placement.shard_id}"
        )
    return True


async def follow(db: ShardedDatabase, procedure: Procedure) -> None:
    """Make the status of a shard known that a procedure has committed; placements tell the directory."""
    if (procedure.alias_of or procedure.name) in _CHANGES_TOPOLOGY:
        await refresh_topology(db)


async def _session_for(
    db: ShardedDatabase, procedure: Procedure, arguments: Arguments, shard_id: int | None
) -> AbstractAsyncContextManager[AsyncSession]:
    read_only = not procedure.writes
    if shard_id is None:
        return db.global_session(read_only=read_only)
    key = account_of(arguments)
    if key is not None and await check_home(db, procedure, key, shard_id):
        return db.session(key, read_only=read_only)
    return db.shard_session(shard_id, read_only=read_only)


def _is_for_a_row(error: Exception) -> bool:
    return isinstance(error, ShardwiseError) and not isinstance(error, _ALWAYS_RAISED)
