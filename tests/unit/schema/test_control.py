"""The control tables' own defaults and rules, on both engines."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shardwise.schema.base import GlobalBase
from shardwise.schema.control import (
    GlobalErrorLog,
    PlacementState,
    ShardConfig,
    ShardMapping,
    ShardStats,
    ShardStatus,
)

METADATA = GlobalBase.metadata
ADDRESS = {"host": "h", "database_name": "d", "username": "u", "password": "p"}
ROWS = {
    ShardConfig.__table__: [{"shard_id": 1, "shard_name": "one", **ADDRESS}],
    ShardMapping.__table__: [{"account_db_key": 2**64 - 1, "shard_id": 1}],
}


async def test_defaults_of_the_models(connection: AsyncConnection) -> None:
    config = (await connection.execute(select(ShardConfig.__table__))).one()
    assert (config.driver, config.port, config.status, config.weight) == (
        "mysql+asyncmy",
        3306,
        ShardStatus.ACTIVE,
        1,
    )
    assert (config.region, config.replicas, config.pool_size, config.max_overflow) == (None, None, None, None)
    mapping = (await connection.execute(select(ShardMapping.__table__))).one()
    assert (mapping.account_db_key, mapping.epoch, mapping.state) == (2**64 - 1, 1, PlacementState.ACTIVE)
    assert abs(mapping.assigned_at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_defaults_of_the_database(connection: AsyncConnection) -> None:
    columns = ", ".join(["shard_id", "shard_name", *ADDRESS])
    values = "2, 'two', 'h', 'd', 'u', 'p'"
    await connection.execute(text(f"INSERT INTO table_shard_config ({columns}) VALUES ({values})"))
    await connection.execute(
        text("INSERT INTO table_user_shard_mapping (account_db_key, shard_id) VALUES (5, 2)")
    )
    await connection.execute(text("INSERT INTO table_shard_stats (shard_id) VALUES (2)"))
    both = (await connection.execute(select(ShardConfig.__table__).order_by(ShardConfig.shard_id))).all()
    ignored = {"shard_id", "shard_name", "created_at", "updated_at"}
    one, two = ({k: v for k, v in row._mapping.items() if k not in ignored} for row in both)
    assert one == two
    mapping = select(ShardMapping.__table__).where(ShardMapping.account_db_key == 5)
    assert (await connection.execute(mapping)).one().state is PlacementState.ACTIVE
    stats = (await connection.execute(select(ShardStats.__table__))).one()
    assert (stats.user_count, stats.active_users) == (0, 0)


async def test_names_of_shards_are_unique(connection: AsyncConnection) -> None:
    with pytest.raises(IntegrityError):
        await connection.execute(insert(ShardConfig).values(shard_id=2, shard_name="one", **ADDRESS))


@pytest.mark.parametrize("table", ["table_shard_config", "table_user_shard_mapping"])
async def test_an_unknown_status_or_state_is_refused(connection: AsyncConnection, table: str) -> None:
    column = "status" if table == "table_shard_config" else "state"
    with pytest.raises(DBAPIError):
        await connection.execute(text(f"UPDATE {table} SET {column} = 'inactive'"))


async def test_replicas_are_json(connection: AsyncConnection) -> None:
    replicas = [{"url": "mysql+asyncmy://h2/d"}]
    await connection.execute(ShardConfig.__table__.update().values(replicas=replicas))
    assert await connection.scalar(select(ShardConfig.replicas)) == replicas


async def test_the_error_log_counts_up(connection: AsyncConnection) -> None:
    for _ in range(2):
        await connection.execute(insert(GlobalErrorLog).values(error_message="😀"))
    rows = (await connection.execute(select(GlobalErrorLog.idx, GlobalErrorLog.create_time))).all()
    assert rows[0].idx < rows[1].idx
    assert rows[0].create_time.tzinfo is UTC
