"""Sessions on shards: pinned to one account or shard, or routed statement by statement."""

from types import TracebackType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import note
from shardwise.routing.router import Router
from shardwise.session.guards import GuardedReadOnlySession, GuardedSession
from shardwise.session.keyed import KeyedSession
from shardwise.topology.manager import DatabaseManager, end_session


class ShardedSession(AsyncSession):
    """A session on shard databases.

    Got from `ShardedDatabase.session`, `shard_session` or `sharded_session`, which also end it.

    Attributes:
        account_db_key: the account that it is pinned to, if it is.
        shard_id: the shard that it is pinned to, None if each statement is routed by its key.
    """

    account_db_key: int | None = None
    shard_id: int | None = None


def _pinned(
    manager: DatabaseManager, shard_id: int, account_db_key: int | None, *, read_only: bool
) -> ShardedSession:
    kind = GuardedReadOnlySession if read_only else GuardedSession
    session = ShardedSession(sync_session_class=kind, **manager.session_arguments(read_only=read_only))
    session.shard_id = shard_id
    session.account_db_key = account_db_key
    guarded: Any = session.sync_session
    guarded.account_db_key, guarded.shard_id = account_db_key, shard_id
    return session


class AccountScope:
    """A block with a session pinned to the shard of one account."""

    __slots__ = ("_key", "_manager", "_read_only", "_router", "_session")

    def __init__(self, router: Router, account_db_key: int, *, read_only: bool) -> None:
        self._router = router
        self._key = account_db_key
        self._read_only = read_only

    async def __aenter__(self) -> ShardedSession:
        found = self._router.resolved(self._key) or await self._router.resolve(self._key)
        placement, self._manager = found
        self._session = _pinned(self._manager, placement.shard_id, self._key, read_only=self._read_only)
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await end_session(self._session, error, self._manager, read_only=self._read_only)
        except BaseException as failure:
            if failure is not error:
                note(failure, account_db_key=self._key)
            raise


class ShardScope:
    """A block with a session on one shard, named by an operator or a job."""

    __slots__ = ("_maintenance", "_manager", "_read_only", "_router", "_session", "_shard_id")

    def __init__(self, router: Router, shard_id: int, *, read_only: bool, maintenance: bool) -> None:
        self._router = router
        self._shard_id = shard_id
        self._read_only = read_only
        self._maintenance = maintenance

    async def __aenter__(self) -> ShardedSession:
        self._manager = await self._router.topology.manager(self._shard_id, maintenance=self._maintenance)
        self._session = _pinned(self._manager, self._shard_id, None, read_only=self._read_only)
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_session(self._session, error, self._manager, read_only=self._read_only)


class RoutedScope:
    """A block with a session whose every statement goes to the shard of the account that it names."""

    __slots__ = ("_router", "_session", "_sync")

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __aenter__(self) -> ShardedSession:
        self._session = ShardedSession(
            sync_session_class=KeyedSession,
            router=self._router,
            expire_on_commit=False,
            # Only for a manager that is bound to a connection, where tests undo what was committed.
            join_transaction_mode="create_savepoint",
        )
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        keyed: Any = self._session.sync_session
        await end_session(self._session, error, keyed)
