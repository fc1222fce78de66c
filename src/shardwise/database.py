"""The composition root: opens and closes everything, hands out sessions."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import Pool

from shardwise.config import RevisionCheck, Settings
from shardwise.errors import ConfigurationError, DuplicateEntityError, UnknownAccountError
from shardwise.migrations.branches import Branch, expected_head
from shardwise.routing.assignment import Assigner
from shardwise.routing.directory import Directory, check_key
from shardwise.routing.placement import Placement
from shardwise.routing.router import Router
from shardwise.routing.statistics import Recount, recount_accounts
from shardwise.session.sharded import AccountScope, RoutedScope, ShardScope
from shardwise.topology.health import DatabaseHealth, HealthTarget, check_health
from shardwise.topology.live import LiveTopology
from shardwise.topology.manager import DatabaseManager, SessionScope
from shardwise.topology.revision import check_revision, read_revision
from shardwise.transactions.retry import with_db_retry

P = ParamSpec("P")
T = TypeVar("T")


class ShardedDatabase:
    """One global database and its shards.

    Opened with `async with db:` (or `open` and `close`), which loads the shard configuration; a shard is
    connected at its first use. One object serves a whole application; sessions belong to one task each.

    Args:
        settings: addresses, pools, checks; by default from the environment.
        poolclass: another pool class for all databases, such as `NullPool`.

    Attributes:
        settings: as given.
        global_manager: the global database by itself.
        topology: the shards; `refresh()` reads their configuration again.
        directory: account → shard.
        assignment: chooses the shard of a new account.
    """

    def __init__(self, settings: Settings | None = None, *, poolclass: type[Pool] | None = None) -> None:
        self.settings = settings or Settings()
        database, routing = self.settings.database, self.settings.routing
        self.global_manager = DatabaseManager.from_pool(
            database.sqlalchemy_url(),
            database.pool(),
            name="global database",
            poolclass=poolclass,
            must_exist=True,
        )
        self.topology = LiveTopology(
            self.global_manager, database.pool(), self._check_shard_revision, poolclass=poolclass
        )
        self.directory = Directory(self.global_manager, capacity=routing.cache_size, ttl=routing.cache_ttl)
        self.assignment = Assigner(self.topology, routing.strategy)
        self._router = Router(self.directory, self.topology)
        self._opened = False
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return a database for settings."""
        return cls(settings)

    @classmethod
    def from_url(cls, url: str | URL, **sections: Any) -> Self:
        """Return a database for the address of the global one.

        Args:
            url: `sqlite+aiosqlite:///data/global.db`, `mysql+asyncmy://USER:PASSWORD@HOST:3306/NAME`, …
            sections: other sections of `Settings`, such as `routing={"strategy": "weighted"}`.

        Raises:
            ConfigurationError: a value can't be used.
        """
        text = url.render_as_string(hide_password=False) if isinstance(url, URL) else url
        database = {**sections.pop("database", {}), "url": text}
        return cls(Settings(database=database, **sections))

    async def open(self) -> Self:
        """Check the global schema, load the shard configuration, start to watch it.

        Raises:
            DatabaseConnectionError: the global database can't be reached.
            DatabaseNotMigratedError: it has no tables yet.
            RevisionMismatchError: its schema isn't the code's.
            ConfigurationError: it is open already.
        """
        if self._opened:
            raise ConfigurationError("this ShardedDatabase is open already")
        self._opened = True
        try:
            await self._check_revision(self.global_manager, Branch.GLOBAL)
            await self.topology.refresh()
        except BaseException:
            await self.close()
            raise
        interval = self.settings.topology.refresh_interval
        if interval:
            self._watch = asyncio.create_task(self.topology.watch(interval))
        return self

    async def close(self) -> None:
        """Stop watching and close every connection; may be called twice, and `open` again after it."""
        self._opened = False
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)  # a cancellation of the caller passes
        await self.directory.close()
        await self.topology.close()
        await self.global_manager.close()

    @property
    def is_open(self) -> bool:
        """Return whether it was opened and not closed since."""
        return self._opened

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def global_session(self, *, read_only: bool = False) -> SessionScope[AsyncSession]:
        """Open a session on the global database, as a block that commits or rolls back."""
        return self.global_manager.session(read_only=read_only)

    def session(self, account_db_key: int, *, read_only: bool = False) -> AccountScope:
        """Open a session pinned to the shard of one account, as a block that commits or rolls back.

        Args:
            account_db_key: the account.
            read_only: refuse writes; ends with a rollback.

        Raises:
            UnknownAccountError: on entering, if the account has no shard.
            ShardUnavailableError: if its shard can't serve; never another database instead.
            CrossAccountAccessError: on writing an object of another account.
        """
        return AccountScope(self._router, account_db_key, read_only=read_only)

    def shard_session(
        self, shard_id: int, *, read_only: bool = False, maintenance: bool = False
    ) -> ShardScope:
        """Open a session on one shard by its id: for operators and jobs.

        Args:
            shard_id: the shard.
            read_only: refuse writes; ends with a rollback.
            maintenance: allow a shard that is in maintenance.

        Raises:
            UnknownShardError: on entering, if there is no such shard.
            ShardUnavailableError: if it can't serve.
        """
        return ShardScope(self._router, shard_id, read_only=read_only, maintenance=maintenance)

    def sharded_session(self) -> RoutedScope:
        """Open a session in which each statement goes to the shard of the account that it names.

        Raises:
            MissingShardKeyError: on a statement that names no account.
            ScatterRefusedError: on one that names several.
            CrossShardWriteError: on writing to a second shard.
        """
        return RoutedScope(self._router)

    async def place_account(self, account_db_key: int, *, region: str | None = None) -> Placement:
        """Give an account a shard, in a transaction of its own; one that has a shard keeps it.

        For accounts whose keys come from elsewhere. An account that is a row of the global database gets its
        shard in the row's own transaction, by `assignment.place`, and `directory.remember` after the commit.

        Args:
            account_db_key: the account.
            region: where its shard should be, for strategies that look at it.

        Raises:
            NoActiveShardError: no shard can take it.
        """
        with suppress(UnknownAccountError):
            return await self.where(account_db_key)
        try:
            async with self.global_session() as session:
                placement = await self.assignment.place(session, account_db_key, region=region)
        except DuplicateEntityError:  # somebody else was quicker
            self.directory.invalidate(account_db_key)
            return await self.where(account_db_key)
        self.directory.remember(account_db_key, placement)
        return placement

    def with_retry(self, function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """Decorate an async function so that it runs again, whole, as often as the settings say.

        The numbers are `DATABASE_RETRY_ATTEMPTS` and `DATABASE_RETRY_BACKOFF`; what is run again, and what
        never is, says `with_db_retry`. The function opens its session inside.
        """
        retry = self.settings.retry
        return with_db_retry(retry.attempts, retry.backoff)(function)

    async def where(self, account_db_key: int) -> Placement:
        """Return where an account lives.

        Raises:
            UnknownAccountError: it has no shard.
        """
        return await self.directory.lookup(check_key(account_db_key))

    async def recount(self) -> tuple[Recount, ...]:
        """Set the statistics to what the directory says; returns what they said before and say now."""
        return await recount_accounts(self.global_manager)

    async def health(self, *, deadline: float | None = None) -> tuple[DatabaseHealth, ...]:
        """Look at the global database and every shard at once.

        Args:
            deadline: seconds that each may take; by default the setting `topology.health_deadline`.

        Returns:
            The global database first, then the shards by id; within the deadline whatever hangs.
        """
        targets = [HealthTarget(name="global database", shard_id=None, manager=self.global_manager)]
        targets += self.topology.health_targets()
        limit = self.settings.topology.health_deadline if deadline is None else deadline
        return await check_health(targets, deadline=limit, read_revision=read_revision)

    async def _check_shard_revision(self, manager: DatabaseManager) -> None:
        await self._check_revision(manager, Branch.SHARD)

    async def _check_revision(self, manager: DatabaseManager, branch: Branch) -> None:
        policy = self.settings.topology.revision_check
        if policy is RevisionCheck.IGNORE:
            return
        head = await asyncio.to_thread(expected_head, branch, self.settings.migrations.script_location)
        await check_revision(manager, head, policy)
