"""What is known of the shards: frozen values, replaced as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import URL

from shardwise.config import PoolSettings
from shardwise.errors import ShardConfigurationError, UnknownShardError
from shardwise.schema.control import ShardStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One shard as `table_shard_config` describes it.

    Attributes:
        shard_id: its number.
        name: its unique name.
        url: the address of its database; printing it hides the password.
        status: whether it takes work.
        weight: its part of the new accounts under the `weighted` strategy; 0 = none.
        region: for the `by_region` strategy.
        pool: sizes and timeouts of its connections.
    """

    shard_id: int
    name: str
    url: URL
    status: ShardStatus = ShardStatus.ACTIVE
    weight: int = 1
    region: str | None = None
    pool: PoolSettings = field(repr=False)

    @property
    def title(self) -> str:
        """Return what errors and reports call it."""
        return f"shard {self.shard_id} ({self.name})"

    def same_address(self, other: "Shard") -> bool:
        """Return whether both would connect to the same place in the same way."""
        return self.url == other.url and self.pool == other.pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The shards as they were when the configuration was last read.

    Attributes:
        shards: by shard id, in order.
        broken: shards whose row can't be used, with the reason.
        loaded_at: when it was read; None before the first time.
    """

    shards: Mapping[int, Shard] = field(default_factory=lambda: MappingProxyType({}))
    broken: Mapping[int, ShardConfigurationError] = field(default_factory=lambda: MappingProxyType({}))
    loaded_at: datetime | None = None

    @property
    def active(self) -> tuple[Shard, ...]:
        """Return the shards that take reads, writes and new accounts, by id."""
        return tuple(shard for shard in self.shards.values() if shard.status is ShardStatus.ACTIVE)

    def shard(self, shard_id: int) -> Shard:
        """Return one shard.

        Raises:
            ShardConfigurationError: its row can't be used.
            UnknownShardError: there is none.
        """
        if shard_id in self.broken:
            raise self.broken[shard_id]
        if shard_id not in self.shards:
            raise UnknownShardError(shard_id)
        return self.shards[shard_id]
