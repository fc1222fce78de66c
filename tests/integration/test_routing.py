"""Accounts find their shards: placed by strategies, looked up through the cache, moved by an operator."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event, text, update

from shardwise import ShardedDatabase
from shardwise.errors import (
    ConfigurationError,
    DatabaseConnectionError,
    NoActiveShardError,
    UnknownAccountError,
)
from shardwise.routing.assignment import Assignment
from shardwise.schema.control import ShardConfig, ShardMapping

KEYS = range(1000, 1040)


def again(db: ShardedDatabase, **sections: Any) -> ShardedDatabase:
    return ShardedDatabase.from_url(
        db.global_manager.url,
        _env_file=None,
        topology={"revision_check": "ignore", "refresh_interval": 0},
        **sections,
    )


async def configure(db: ShardedDatabase, shard_id: int, **columns: Any) -> None:
    async with db.global_session() as session:
        await session.execute(update(ShardConfig).where(ShardConfig.shard_id == shard_id).values(columns))
    await db.topology.refresh()


async def move(db: ShardedDatabase, key: int, shard_id: int) -> None:
    """Change the directory as the end of a move does."""
    async with db.global_session() as session:
        changed = update(ShardMapping).where(ShardMapping.account_db_key == key)
        await session.execute(changed.values(shard_id=shard_id, epoch=ShardMapping.epoch + 1))


# Strategies, named in the settings


async def test_modulo_is_the_default(db: ShardedDatabase) -> None:
    placed = [(await db.place_account(key)).shard_id for key in KEYS]
    assert placed == [1, 2] * 20


async def test_least_loaded(db: ShardedDatabase) -> None:
    async with again(db, routing={"strategy": "least_loaded"}) as database:
        async with database.global_session() as session:
            await session.execute(text("UPDATE table_shard_stats SET user_count = 3 WHERE shard_id = 1"))
        placed = [(await database.place_account(key)).shard_id for key in range(6)]
    assert placed == [2, 2, 2, 1, 2, 1]


async def test_weighted(db: ShardedDatabase) -> None:
    await configure(db, 1, weight=0)
    async with again(db, routing={"strategy": "weighted"}) as database:
        assert {(await database.place_account(key)).shard_id for key in KEYS[:20]} == {2}
        await configure(db, 1, weight=9)
        await database.topology.refresh()
        placed = Counter([(await database.place_account(key)).shard_id for key in KEYS[20:]])
    assert placed[1] > placed[2]


async def test_by_region(db: ShardedDatabase) -> None:
    await configure(db, 1, region="eu")
    async with again(db, routing={"strategy": "by_region"}) as database:
        assert {(await database.place_account(key, region="eu")).shard_id for key in KEYS[:4]} == {1}
        with pytest.raises(NoActiveShardError, match="'asia'"):
            await database.place_account(KEYS[5], region="asia")


async def test_a_strategy_of_ones_own(db: ShardedDatabase) -> None:
    async with again(db, routing={"strategy": "vip"}) as database:
        with pytest.raises(
            ConfigurationError, match=r"no strategy 'vip'; known are .* db.assignment.register"
        ):
            await database.place_account(7)

        def vip(new: Assignment) -> int:
            return 2 if new.account_db_key < 100 else 1

        database.assignment.register("vip", vip)
        assert (await database.place_account(7)).shard_id == 2
        assert (await database.place_account(1000)).shard_id == 1


# The directory


async def test_a_lookup_is_one_query_in_the_life_of_an_entry(db: ShardedDatabase) -> None:
    await db.place_account(1000)
    async with again(db) as database:
        statements: list[str] = []
        event.listen(
            database.global_manager.engine.sync_engine,
            "before_cursor_execute",
            lambda connection, cursor, statement, *rest: statements.append(statement),
        )
        statements.clear()
        for _ in range(50):
            async with database.session(1000):
                pass
        await asyncio.gather(*(database.where(1000) for _ in range(50)))
    assert sum("table_user_shard_mapping" in statement for statement in statements) == 1


async def test_settings_of_the_cache(db: ShardedDatabase) -> None:
    await db.place_account(1000)
    async with again(db, routing={"cache_size": 0}) as database:
        await database.where(1000)
        assert len(database.directory) == 0
    async with again(db, routing={"cache_ttl": 0.05}) as database:
        assert (await database.where(1000)).shard_id == 1
        await move(db, 1000, 2)
        await asyncio.sleep(0.06)
        assert (await database.where(1000)).shard_id == 2


async def test_another_process_sees_a_new_account_within_a_second(db: ShardedDatabase) -> None:
    async with again(db) as database:
        with pytest.raises(UnknownAccountError):
            await database.where(1000)
        await db.place_account(1000)
        async with asyncio.timeout(3):
            while True:
                try:
                    assert (await database.where(1000)).shard_id == 1
                    break
                except UnknownAccountError:
                    await asyncio.sleep(0.05)


async def test_after_an_invalidation_sessions_go_to_the_new_shard(db: ShardedDatabase) -> None:
    await db.place_account(1000)
    async with db.session(1000) as session:
        assert session.shard_id == 1
    await move(db, 1000, 2)
    db.directory.invalidate(1000)
    async with db.session(1000) as session:
        assert session.shard_id == 2
    assert (await db.where(1000)).epoch == 2


async def test_a_directory_that_can_not_be_read(db: ShardedDatabase) -> None:
    await db.place_account(1000)
    async with db.global_session() as session:
        await session.execute(text("ALTER TABLE table_user_shard_mapping RENAME TO hidden"))
    try:
        async with db.session(1000) as session:
            assert session.shard_id == 1, "what is cached needs no directory"
        db.directory.clear()
        with pytest.raises(Exception, match="table_user_shard_mapping") as caught:
            async with db.session(1000):
                pass
        assert not isinstance(caught.value, (UnknownAccountError, DatabaseConnectionError))
    finally:
        async with db.global_session() as session:
            await session.execute(text("ALTER TABLE hidden RENAME TO table_user_shard_mapping"))
    async with db.session(1000) as session:
        assert session.shard_id == 1
