"""What an old stored procedure is here: a name, its parameters, its result columns and a function."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase
from shardwise.legacy.parameters import Parameter

Row = dict[str, Any]
Rows = list[Row]
Signature = tuple[Parameter, ...]


class Scope(StrEnum):
    """Which database a procedure belongs to."""

    GLOBAL = "global"
    SHARD = "shard"


class OnError(StrEnum):
    """What a caller sees of a failure, after it has been logged."""

    RAISE = "raise"
    ERROR_ROW = "error row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call under way.

    Attributes:
        db: the open database, for what a procedure needs besides its session.
        session: of the procedure's database; whoever opened it ends it. It may be pinned to an account or
            not, so statements name the account themselves.
        shard_id: the shard, None in the global database.
    """

    db: ShardedDatabase
    session: AsyncSession
    shard_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One procedure of the old system, answered by this library.

    Attributes:
        name: as programs call it.
        scope: the database that it belongs to.
        signatures: the parameters in their order; several where the old databases differed.
        results: the columns of each result set, in order. A status row that reports a refusal may lack the
            last ones.
        run: does the job: `await run(call, account_db_key=..., ...)`, with the parameters by name, and
            returns the rows of all result sets one after the other. It neither commits nor rolls back.
        writes: whether it changes rows.
        on_error: what the caller gets when it fails.
        error_row: columns besides ErrorCode and ErrorMessage of the row that reports a failure.
        alias_of: the procedure that this is another name of.
    """

    name: str
    scope: Scope
    signatures: tuple[Signature, ...]
    results: tuple[tuple[str, ...], ...]
    run: Callable[..., Awaitable[Rows]]
    writes: bool = True
    on_error: OnError = OnError.RAISE
    error_row: Mapping[str, Any] = field(default_factory=dict)
    alias_of: str | None = None


def alias(name: str, procedure: Procedure) -> Procedure:
    """Return a procedure under another name."""
    return replace(procedure, name=name, alias_of=procedure.name)
