"""Which shard a new account gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import Insert

from shardwise.errors import ConfigurationError, NoActiveShardError, RoutingError
from shardwise.kit.clock import utc_now
from shardwise.routing.directory import check_key
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState, ShardMapping, ShardStats
from shardwise.topology.live import LiveTopology
from shardwise.topology.shard import Shard

_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a strategy decides on.

    Attributes:
        account_db_key: the new account.
        shards: the active shards by id, at least one.
        region: what the caller asked for, if anything.
        account_counts: accounts by shard id, from the statistics; empty unless the strategy asked for them.
    """

    account_db_key: int
    shards: tuple[Shard, ...]
    region: str | None = None
    account_counts: Mapping[int, int] = field(default_factory=dict)


Strategy = Callable[[Assignment], int]


def modulo(new: Assignment) -> int:
    """Return the shard at `key mod n` in the sorted ids of the active shards; ids may have gaps."""
    return new.shards[new.account_db_key % len(new.shards)].shard_id


def least_loaded(new: Assignment) -> int:
    """Return the shard with the fewest accounts, the lowest id among equals."""
    return min(new.shards, key=lambda s: (new.account_counts.get(s.shard_id, 0), s.shard_id)).shard_id


def weighted(new: Assignment) -> int:
    """Return a shard with a chance in proportion to its weight; the same key always gets the same one."""
    total = sum(max(shard.weight, 0) for shard in new.shards)
    if not total:
        raise NoActiveShardError("every active shard has weight 0; raise one in table_shard_config")
    point = _scatter_bits(new.account_db_key) % total
    for shard in new.shards:
        point -= max(shard.weight, 0)
        if point < 0:
            return shard.shard_id
    raise AssertionError("the point lies below the sum of the weights")


def by_region(new: Assignment) -> int:
    """Return a shard of the wanted region by `modulo`; any active shard if no region was asked for."""
    shards = tuple(s for s in new.shards if new.region is None or s.region == new.region)
    if not shards:
        raise NoActiveShardError(f"no active shard is in the region {new.region!r}")
    return shards[new.account_db_key % len(shards)].shard_id


def _scatter_bits(key: int) -> int:
    """Mix the bits of a key so that neighbours part (the finalizer of SplitMix64, Steele et al. 2014)."""
    z = (key + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class Assigner:
    """Places new accounts by a named strategy, inside the caller's transaction.

    Args:
        topology: the shards to choose from.
        strategy: `modulo`, `least_loaded`, `weighted`, `by_region`, or one registered before it is used.
    """

    def __init__(self, topology: LiveTopology, strategy: str = "modulo") -> None:
        self._topology = topology
        self._name = strategy
        self._strategies: dict[str, tuple[Strategy, bool]] = {
            "modulo": (modulo, False),
            "least_loaded": (least_loaded, True),
            "weighted": (weighted, False),
            "by_region": (by_region, False),
        }

    @property
    def strategy(self) -> str:
        """Return the name of the strategy in use."""
        return self._name

    def register(self, name: str, strategy: Strategy, *, needs_counts: bool = False) -> None:
        """Make a strategy of your own known, and use it.

        Args:
            name: what the setting `SHARDWISE_ROUTING__STRATEGY` calls it.
            strategy: given an `Assignment`, returns the id of one of its shards.
            needs_counts: whether it looks at `account_counts`, which costs a query a sign-up.
        """
        self._strategies[name] = strategy, needs_counts
        self._name = name

    async def place(
        self,
        session: AsyncSession,
        account_db_key: int,
        *,
        region: str | None = None,
        state: PlacementState = PlacementState.ACTIVE,
    ) -> Placement:
        """Write an account's mapping and count it, in the caller's transaction of the global database.

        Call `Directory.remember` after the commit. Write the mapping late in the transaction: the row of
        the shard's statistics stays locked until it ends.

        Raises:
            NoActiveShardError: no shard can take it.
            RoutingError: the strategy named a shard that isn't active.
            ConfigurationError: the setting names no known strategy.
        """
        shard_id = await self._choose(session, check_key(account_db_key), region)
        mapping = ShardMapping(account_db_key=account_db_key, shard_id=shard_id, epoch=1, state=state)
        session.add(mapping)
        await session.flush()
        await session.execute(_count_one_more(session, shard_id))
        return Placement(shard_id, 1, state)

    async def _choose(self, session: AsyncSession, account_db_key: int, region: str | None) -> int:
        if self._name not in self._strategies:
            known = ", ".join(sorted(self._strategies))
            raise ConfigurationError(
                f"SHARDWISE_ROUTING__STRATEGY: no strategy {self._name!r}; known are {known},"
                " and those given to db.assignment.register"
            )
        strategy, needs_counts = self._strategies[self._name]
        shards = self._topology.active
        if not shards:
            raise NoActiveShardError
        counts: dict[int, int] = {}
        if needs_counts:
            rows = await session.execute(select(ShardStats.shard_id, ShardStats.user_count))
            counts = {row.shard_id: row.user_count for row in rows}
        shard_id = strategy(
            Assignment(account_db_key=account_db_key, shards=shards, region=region, account_counts=counts)
        )
        if all(shard.shard_id != shard_id for shard in shards):
            raise RoutingError(f"the strategy {self._name!r} chose shard {shard_id!r}, which isn't active")
        return shard_id


def _count_one_more(session: AsyncSession, shard_id: int) -> Insert:
    first: dict[str, Any] = {"shard_id": shard_id, "user_count": 1, "active_users": 0}
    more = {"user_count": ShardStats.user_count + 1, "last_updated": utc_now()}
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(ShardStats).values(first).on_conflict_do_update(set_=more)
    return mysql.insert(ShardStats).values(first).on_duplicate_key_update(more)
