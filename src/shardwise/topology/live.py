"""The topology that follows its configuration while the application runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from sqlalchemy.pool import Pool

from shardwise.config import PoolSettings
from shardwise.errors import ShardDisabledError, ShardMaintenanceError, ShardwiseError, TopologyError
from shardwise.schema.control import ShardStatus
from shardwise.topology.health import HealthTarget
from shardwise.topology.loader import load_topology
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.shard import Shard, Topology

logger = logging.getLogger(__name__)

RevisionCheck = Callable[[DatabaseManager], Awaitable[None]]


class LiveTopology:
    """The current snapshot of the shards and a database manager for each one in use.

    Managers are made at a shard's first use, after its schema revision was checked. `refresh` replaces the
    snapshot as a whole: sessions in flight keep their manager, whose pool is closed once they have ended.

    Args:
        global_database: where `table_shard_config` is.
        pool: what shards get whose row says nothing of its own.
        check_revision: raises if a database's schema isn't the expected one.
        poolclass: another pool class for every shard.
    """

    def __init__(
        self,
        global_database: DatabaseManager,
        pool: PoolSettings,
        check_revision: RevisionCheck,
        *,
        poolclass: type[Pool] | None = None,
    ) -> None:
        self._global = global_database
        self._pool = pool
        self._check_revision = check_revision
        self._poolclass = poolclass
        self._managers: dict[int, DatabaseManager] = {}
        self._serving: dict[int, DatabaseManager] = {}
        self._refreshing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self.snapshot = Topology()

    @property
    def shards(self) -> Mapping[int, Shard]:
        """Return the configured shards by id."""
        return self.snapshot.shards

    @property
    def active(self) -> tuple[Shard, ...]:
        """Return the shards that take work and new accounts."""
        return self.snapshot.active

    @property
    def managers(self) -> Mapping[int, DatabaseManager]:
        """Return the managers that are open."""
        return MappingProxyType(self._managers)

    def serving(self, shard_id: int) -> DatabaseManager | None:
        """Return the manager of an active, checked shard, or None if `manager` has to be asked."""
        return self._serving.get(shard_id)

    async def manager(self, shard_id: int, *, maintenance: bool = False) -> DatabaseManager:
        """Return a shard's manager, made and checked if this is its first use.

        Args:
            shard_id: the shard.
            maintenance: also a shard in maintenance will do.

        Raises:
            UnknownShardError: no such shard.
            ShardUnavailableError: it is disabled, in maintenance, or its row can't be used.
            TopologyError: its schema isn't at the expected revision, or no configuration was loaded yet.
        """
        if manager := self._serving.get(shard_id):
            return manager
        while True:
            shard = self._usable(shard_id, maintenance=maintenance)
            manager = self.unchecked_manager(shard)
            await self._check_revision(manager)
            if self.snapshot.shards.get(shard_id) == shard:
                break  # otherwise a refresh came meanwhile: it may live elsewhere now, or not serve
        if shard.status is ShardStatus.ACTIVE:
            self._serving[shard_id] = manager
        return manager

    def _usable(self, shard_id: int, *, maintenance: bool) -> Shard:
        if self.snapshot.loaded_at is None:
            raise TopologyError("the shards are not known: open the ShardedDatabase first (`async with db:`)")
        shard = self.snapshot.shard(shard_id)
        if shard.status is ShardStatus.DISABLED:
            raise ShardDisabledError(shard_id)
        if shard.status is ShardStatus.MAINTENANCE and not maintenance:
            raise ShardMaintenanceError(shard_id)
        return shard

    def unchecked_manager(self, shard: Shard) -> DatabaseManager:
        """Return a shard's manager without a look at its status or schema (health checks, upgrades)."""
        manager = self._managers.get(shard.shard_id)
        if manager is None:
            manager = self._managers[shard.shard_id] = DatabaseManager.from_pool(
                shard.url,
                shard.pool,
                name=shard.title,
                shard_id=shard.shard_id,
                poolclass=self._poolclass,
                must_exist=True,
            )
        return manager

    def health_targets(self) -> list[HealthTarget]:
        """Return what a health check looks at: every configured shard by id, also those that don't serve."""
        return [self._health_target(shard_id) for shard_id in sorted({*self.shards, *self.snapshot.broken})]

    def _health_target(self, shard_id: int) -> HealthTarget:
        if problem := self.snapshot.broken.get(shard_id):
            return HealthTarget(name=f"shard {shard_id}", shard_id=shard_id, problem=str(problem))
        shard = self.shards[shard_id]
        disabled = shard.status is ShardStatus.DISABLED
        manager = None if disabled else self.unchecked_manager(shard)
        return HealthTarget(name=shard.title, shard_id=shard_id, manager=manager, status=shard.status)

    async def refresh(self) -> Topology:
        """Read the configuration again and replace the snapshot.

        Returns:
            The new snapshot.

        Raises:
            DatabaseError: it can't be read; the previous snapshot stays in force.
        """
        async with self._refreshing:
            snapshot = await load_topology(self._global, self._pool)
            for error in snapshot.broken.values():
                logger.error("%s", error)
            for shard_id, manager in list(self._managers.items()):
                self._keep_or_retire(shard_id, manager, snapshot.shards.get(shard_id))
            self.snapshot = snapshot
            return snapshot

    def _keep_or_retire(self, shard_id: int, manager: DatabaseManager, after: Shard | None) -> None:
        before = self.snapshot.shards.get(shard_id)
        moved = before is None or after is None or not after.same_address(before)
        if moved or after is None or after.status is not ShardStatus.ACTIVE:
            self._serving.pop(shard_id, None)
        if moved or after is None or after.status is ShardStatus.DISABLED:
            del self._managers[shard_id]
            task = asyncio.create_task(manager.retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def watch(self, interval: float) -> None:
        """Refresh every `interval` seconds until cancelled; a failure is logged and changes nothing."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self.refresh()
            except ShardwiseError as error:
                logger.warning("the shard configuration can't be read, the previous one stays: %s", error)
            except Exception:  # whatever it was, the next look may succeed, and nobody awaits this task
                logger.exception("reading the shard configuration failed, the previous one stays")

    async def close(self) -> None:
        """Close every manager and forget the configuration."""
        self.snapshot = Topology()
        await asyncio.gather(*self._retiring)
        managers, self._managers, self._serving = self._managers, {}, {}
        for manager in managers.values():
            await manager.close()
