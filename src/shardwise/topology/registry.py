"""Adds shards to the configuration and changes their status; `topology.refresh()` then follows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import InvalidValueError, ShardExistsError, TopologyChangedError, UnknownShardError
from shardwise.kit.clock import utc_now
from shardwise.schema.control import ShardConfig, ShardStats, ShardStatus
from shardwise.topology.loader import address_columns
from shardwise.topology.manager import DatabaseManager

MAX_SHARD_ID = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShard:
    """A shard to be added; checked when it is made.

    Args:
        shard_id: 1 to 2**31 - 1.
        name: its unique name, 1 to 50 characters.
        url: where its database is.
        status: what it takes from the start.
        weight: its part of the new accounts under the `weighted` strategy, 0 or more.
        region: for the `by_region` strategy, up to 50 characters.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    shard_id: int
    name: str
    url: URL
    status: ShardStatus = ShardStatus.ACTIVE
    weight: int = 1
    region: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.shard_id <= MAX_SHARD_ID:
            raise InvalidValueError("shard_id", f"{self.shard_id} is not from 1 to {MAX_SHARD_ID}")
        if not 0 <= self.weight <= MAX_SHARD_ID:
            raise InvalidValueError("weight", f"{self.weight} is not from 0 to {MAX_SHARD_ID}")
        for field, value in (("name", self.name), ("region", self.region)):
            if value is not None and not 1 <= len(value.strip()) == len(value) <= 50:
                raise InvalidValueError(field, "it must have 1 to 50 characters and no space around them")


async def add_shard(
    global_database: DatabaseManager, shard: NewShard, *, beside: Collection[int] | None = None
) -> None:
    """Write a shard's configuration and its empty statistics in one transaction.

    Whether its database can be reached and is at the right revision is the caller's affair.

    Args:
        global_database: where the configuration is.
        shard: the shard.
        beside: the ids of the shards that the caller has compared it with; None = it has not. One that is
            not among them was added since, and may be the same database.

    Raises:
        ShardExistsError: its id or its name is taken.
        TopologyChangedError: there is a shard that is not in `beside`.
        DatabaseError: it can't be written.
    """
    async with global_database.session() as session:
        configured = select(ShardConfig.shard_id, ShardConfig.shard_name).with_for_update()
        others = (await session.execute(configured)).all()
        for other in others:
            if shard.shard_id == other.shard_id or shard.name == other.shard_name:
                raise ShardExistsError(other.shard_id, other.shard_name)
        if beside is not None and not {other.shard_id for other in others} <= set(beside):
            raise TopologyChangedError
        session.add(
            ShardConfig(
                shard_id=shard.shard_id,
                shard_name=shard.name,
                status=shard.status,
                weight=shard.weight,
                region=shard.region,
                **address_columns(shard.url, global_database.url),
            )
        )
        if await session.get(ShardStats, shard.shard_id) is None:
            session.add(ShardStats(shard_id=shard.shard_id, user_count=0, active_users=0))


async def set_status(global_database: DatabaseManager, shard_id: int, status: ShardStatus) -> ShardStatus:
    """Change what a shard takes.

    Args:
        global_database: where the configuration is.
        shard_id: the shard.
        status: its new status.

    Returns:
        The status that it had before.

    Raises:
        UnknownShardError: there is no such shard.
        DatabaseError: it can't be written.
    """
    async with global_database.session() as session:
        return await change_status(session, shard_id, status)


async def change_status(session: AsyncSession, shard_id: int, status: ShardStatus) -> ShardStatus:
    """Do what `set_status` does in the caller's transaction of the global database.

    `topology.refresh()` follows its commit.
    """
    row = await session.get(ShardConfig, shard_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise UnknownShardError(shard_id)
    before, row.status, row.updated_at = row.status, status, utc_now()
    await session.flush()
    return before


async def shards_with(session: AsyncSession, status: ShardStatus) -> Sequence[ShardConfig]:
    """Return the configuration of the shards with a status, by id, as the table has it."""
    statement = select(ShardConfig).where(ShardConfig.status == status).order_by(ShardConfig.shard_id)
    return (await session.scalars(statement)).all()
