"""Running a use case of an account in a transaction of its own on the account's shard."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase

T = TypeVar("T")


async def write_for(
    db: ShardedDatabase, account_db_key: int, work: Callable[[AsyncSession], Awaitable[T]]
) -> T:
    """Run a use case that writes, again, whole, if the database gave it up for a passing reason.

    Args:
        db: an open database.
        account_db_key: on whose shard.
        work: is given a session that is pinned to the account; it does nothing outside of that.

    Raises:
        UnknownAccountError: the account has no shard.
        CommitOutcomeUnknownError: the connection was lost during the commit; it is not run again.
        Exception: what the use case raises.
    """

    @db.with_retry
    async def once() -> T:
        async with db.session(account_db_key) as session:
            return await work(session)

    return await once()
