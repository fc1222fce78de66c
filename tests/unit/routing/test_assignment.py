"""Which shard a new account gets, and that the count follows in the same transaction."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from shardwise.config import PoolSettings
from shardwise.errors import (
    ConfigurationError,
    DuplicateEntityError,
    InvalidValueError,
    NoActiveShardError,
    RoutingError,
)
from shardwise.routing.assignment import Assigner, Assignment, by_region, least_loaded, modulo, weighted
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState, ShardConfig, ShardMapping, ShardStats, ShardStatus
from shardwise.topology.live import LiveTopology
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.shard import Shard

POOL = PoolSettings()


def shards(*ids: int, **by_name: Any) -> tuple[Shard, ...]:
    weights, regions = by_name.get("weights", {}), by_name.get("regions", {})
    return tuple(
        Shard(
            shard_id=shard_id,
            name=str(shard_id),
            url=POOL_URL,
            pool=POOL,
            weight=weights.get(shard_id, 1),
            region=regions.get(shard_id),
        )
        for shard_id in ids
    )


POOL_URL = DatabaseManager("sqlite:///unused.db").url


# Strategies


def test_modulo_goes_over_the_sorted_ids_whatever_their_gaps() -> None:
    chosen = [modulo(Assignment(account_db_key=key, shards=shards(3, 10, 11))) for key in range(6)]
    assert chosen == [3, 10, 11, 3, 10, 11]
    assert modulo(Assignment(account_db_key=2**64 - 1, shards=shards(3, 10, 11))) == 3
    assert modulo(Assignment(account_db_key=5, shards=shards(42))) == 42


def test_least_loaded_takes_the_emptiest_and_the_lowest_among_equals() -> None:
    counts = {1: 5, 2: 3, 3: 3, 99: 0}
    assert least_loaded(Assignment(account_db_key=1, shards=shards(1, 2, 3), account_counts=counts)) == 2
    assert least_loaded(Assignment(account_db_key=1, shards=shards(1, 2, 7), account_counts=counts)) == 7, (
        "a shard without statistics is empty"
    )


def test_weights_are_chances() -> None:
    among = shards(1, 2, 3, 4, weights={1: 1, 2: 3, 3: 0, 4: -5})
    chosen = Counter(weighted(Assignment(account_db_key=key, shards=among)) for key in range(20_000))
    assert set(chosen) == {1, 2}
    assert abs(chosen[2] / 20_000 - 0.75) < 0.02
    neighbours = [weighted(Assignment(account_db_key=key, shards=among)) for key in range(40)]
    assert len(set(neighbours[:8])) == 2, "neighbouring keys part"
    assert neighbours == [weighted(Assignment(account_db_key=key, shards=among)) for key in range(40)]


def test_no_weight_at_all() -> None:
    with pytest.raises(NoActiveShardError, match="weight 0"):
        weighted(Assignment(account_db_key=1, shards=shards(1, 2, weights={1: 0, 2: 0})))


def test_regions() -> None:
    among = shards(1, 2, 5, regions={1: "eu", 2: "us", 5: "eu"})
    eu = {by_region(Assignment(account_db_key=key, shards=among, region="eu")) for key in range(10)}
    anywhere = {by_region(Assignment(account_db_key=key, shards=among)) for key in range(10)}
    assert (eu, anywhere) == ({1, 5}, {1, 2, 5})
    with pytest.raises(NoActiveShardError, match="'asia'"):
        by_region(Assignment(account_db_key=1, shards=among, region="asia"))


# Placing


MakeAssigner = Callable[..., Awaitable[Assigner]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[MakeAssigner]:
    """Make an assigner over shards given as keyword arguments of their rows."""
    configuration = DatabaseManager(f"sqlite:///{tmp_path / 'config.db'}")
    async with configuration.engine.begin() as connection:
        await connection.run_sync(ShardConfig.metadata.tables["table_shard_config"].create)

    async def made(strategy: str, rows: dict[int, dict[str, Any]]) -> Assigner:
        row = {"driver": "sqlite", "host": "", "port": 0, "username": "", "password": ""}
        async with configuration.session() as session:
            for shard_id, given in rows.items():
                named = {"shard_id": shard_id, "shard_name": str(shard_id), "database_name": f"{shard_id}.db"}
                await session.execute(insert(ShardConfig).values(row | named | given))

        async def unchecked(manager: DatabaseManager) -> None:
            return None

        topology = LiveTopology(configuration, POOL, unchecked)
        await topology.refresh()
        return Assigner(topology, strategy)

    yield made
    await configuration.close()


async def place(assigner: Assigner, database: DatabaseManager, key: int, **given: Any) -> Placement:
    async with database.session() as session:
        return await assigner.place(session, key, **given)


async def counts(database: DatabaseManager) -> dict[int, int]:
    async with database.session(read_only=True) as session:
        rows = await session.execute(select(ShardStats.shard_id, ShardStats.user_count))
        return {row.shard_id: row.user_count for row in rows}


async def mapped(database: DatabaseManager) -> dict[int, int]:
    async with database.session(read_only=True) as session:
        rows = await session.execute(select(ShardMapping.account_db_key, ShardMapping.shard_id))
        return {row.account_db_key: row.shard_id for row in rows}


async def test_a_placement_is_written_and_counted(
    make: MakeAssigner, global_database: DatabaseManager
) -> None:
    assigner = await make("modulo", {2: {}, 5: {}})
    assert await place(assigner, global_database, 2**64 - 1) == Placement(5, 1, PlacementState.ACTIVE)
    found = await place(assigner, global_database, 0, state=PlacementState.PROVISIONING)
    assert found == Placement(2, 1, PlacementState.PROVISIONING)
    await place(assigner, global_database, 3)
    assert await mapped(global_database) == {2**64 - 1: 5, 0: 2, 3: 5}
    assert await counts(global_database) == {2: 1, 5: 2}


async def test_a_rollback_undoes_the_mapping_and_the_count(
    make: MakeAssigner, global_database: DatabaseManager
) -> None:
    assigner = await make("modulo", {1: {}})
    await place(assigner, global_database, 1)
    with pytest.raises(ZeroDivisionError):
        async with global_database.session() as session:
            await assigner.place(session, 2)
            raise ZeroDivisionError
    assert await mapped(global_database) == {1: 1}
    assert await counts(global_database) == {1: 1}


async def test_an_account_is_placed_once(make: MakeAssigner, global_database: DatabaseManager) -> None:
    assigner = await make("modulo", {1: {}})
    await place(assigner, global_database, 1)
    with pytest.raises(DuplicateEntityError):
        await place(assigner, global_database, 1)
    assert await counts(global_database) == {1: 1}


async def test_many_at_once_are_counted_exactly(make: MakeAssigner, global_database: DatabaseManager) -> None:
    assigner = await make("modulo", {1: {}, 2: {}, 3: {}})
    await asyncio.gather(*(place(assigner, global_database, key) for key in range(32)))
    assert await counts(global_database) == {1: 11, 2: 11, 3: 10}
    assert len(await mapped(global_database)) == 32


async def test_least_loaded_looks_at_the_statistics(
    make: MakeAssigner, global_database: DatabaseManager
) -> None:
    assigner = await make("least_loaded", {1: {}, 2: {}, 3: {}})
    async with global_database.session() as session:
        session.add_all([ShardStats(shard_id=1, user_count=2), ShardStats(shard_id=2, user_count=1)])
    chosen = [(await place(assigner, global_database, key)).shard_id for key in range(5)]
    assert chosen == [3, 2, 3, 1, 2]


async def test_only_active_shards_get_accounts(make: MakeAssigner, global_database: DatabaseManager) -> None:
    rows = {
        1: {"status": ShardStatus.MAINTENANCE},
        2: {"status": ShardStatus.DISABLED},
        3: {},
        4: {"port": -1},
    }
    for strategy in ("modulo", "least_loaded", "weighted", "by_region"):
        assigner = await make(strategy, rows)
        rows = {}
        key = len(await mapped(global_database))
        placed = {(await place(assigner, global_database, key + i)).shard_id for i in range(4)}
        assert placed <= {3, 4}


async def test_no_active_shard(make: MakeAssigner, global_database: DatabaseManager) -> None:
    assigner = await make("modulo", {1: {"status": ShardStatus.MAINTENANCE}})
    with pytest.raises(NoActiveShardError, match="shardwise shards add"):
        await place(assigner, global_database, 1)
    assert await mapped(global_database) == {}


async def test_a_region_of_the_callers(make: MakeAssigner, global_database: DatabaseManager) -> None:
    assigner = await make("by_region", {1: {"region": "eu"}, 2: {"region": "us"}})
    assert (await place(assigner, global_database, 1, region="us")).shard_id == 2
    assert (await place(assigner, global_database, 2, region="us")).shard_id == 2
    with pytest.raises(NoActiveShardError, match="'asia'"):
        await place(assigner, global_database, 3, region="asia")


async def test_an_unknown_strategy_is_named(make: MakeAssigner, global_database: DatabaseManager) -> None:
    assigner = await make("fastest", {1: {}})
    with pytest.raises(
        ConfigurationError,
        match="SHARDWISE_ROUTING__STRATEGY: no strategy 'fastest'; known are by_region, least_loaded, modulo",
    ):
        await place(assigner, global_database, 1)
    assert await mapped(global_database) == {}


async def test_a_strategy_of_ones_own(make: MakeAssigner, global_database: DatabaseManager) -> None:
    assigner = await make("vip", {1: {}, 2: {}})
    seen: list[Assignment] = []

    def vip(new: Assignment) -> int:
        seen.append(new)
        return 2 if new.account_db_key < 100 else 1

    assigner.register("vip", vip, needs_counts=True)
    assert assigner.strategy == "vip"
    assert (await place(assigner, global_database, 5, region="eu")).shard_id == 2
    assert (await place(assigner, global_database, 500)).shard_id == 1
    assert (seen[0].region, seen[0].account_counts, seen[1].account_counts) == ("eu", {}, {2: 1})


@pytest.mark.parametrize("answer", [2, 9, None, "1"])
async def test_a_strategy_that_names_no_active_shard(
    make: MakeAssigner, global_database: DatabaseManager, answer: Any
) -> None:
    assigner = await make("mine", {1: {}, 2: {"status": ShardStatus.MAINTENANCE}})
    assigner.register("mine", lambda new: answer)
    with pytest.raises(RoutingError, match=f"the strategy 'mine' chose shard {answer!r}, which isn't active"):
        await place(assigner, global_database, 1)
    assert await mapped(global_database) == {}


@pytest.mark.parametrize("key", [True, -1, 2**64, "1", None])
async def test_a_bad_key(make: MakeAssigner, global_database: DatabaseManager, key: Any) -> None:
    assigner = await make("modulo", {1: {}})
    with pytest.raises(InvalidValueError, match="account_db_key"):
        await place(assigner, global_database, key)
