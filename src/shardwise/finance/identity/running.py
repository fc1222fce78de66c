"""Running one use case of an account in a session of the global database of its own."""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError
from shardwise.finance.identity.models import Account
from shardwise.routing.directory import check_key

P = ParamSpec("P")
T = TypeVar("T")


async def read(
    db: ShardedDatabase, find: Callable[[AsyncSession, int], Awaitable[T | None]], account_db_key: int
) -> T:
    """Return what a use case finds for an account.

    Raises:
        InvalidValueError: the key is none.
        EntityNotFoundError: it finds nothing.
    """
    check_key(account_db_key)
    async with db.global_session(read_only=True) as session:
        found = await find(session, account_db_key)
    if found is None:
        raise EntityNotFoundError(Account.__name__, account_db_key)
    return found


async def write(
    db: ShardedDatabase,
    change: Callable[Concatenate[AsyncSession, int, P], Awaitable[None]],
    account_db_key: int,
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Run a use case that writes, in one transaction, again after a deadlock.

    Raises:
        InvalidValueError: the key is none.
        Exception: what the use case raises.
    """
    check_key(account_db_key)

    async def once() -> None:
        async with db.global_session() as session:
            await change(session, account_db_key, *args, **kwargs)

    await db.with_retry(once)()
