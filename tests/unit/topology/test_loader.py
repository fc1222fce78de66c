"""Rows of table_shard_config become shards; a row that can't be used is named and spoils no other."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.engine import make_url

from shardwise.config import PoolSettings
from shardwise.errors import ConfigurationError, DatabaseError, MissingTableError, ShardConfigurationError
from shardwise.schema.control import ShardConfig, ShardStatus
from shardwise.topology.loader import address_columns, load_topology, sqlite_file
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.shard import Topology

SQLITE = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
POOL = PoolSettings(pool_size=4, read_timeout=7)
GOOD: dict[str, Any] = {
    "shard_id": 1,
    "shard_name": "one",
    "host": "db1.example",
    "port": 3307,
    "database_name": "platform",
    "username": "trader",
    "password": "p@ss:/word",
}


@pytest.fixture
async def manager(database_url: str) -> AsyncIterator[DatabaseManager]:
    manager = DatabaseManager(database_url, name="global database")
    async with manager.engine.begin() as connection:
        await connection.run_sync(ShardConfig.metadata.tables["table_shard_config"].create)
    yield manager
    await manager.close()


async def load(manager: DatabaseManager, *rows: dict[str, Any]) -> Topology:
    async with manager.session() as session:
        for row in rows:
            await session.execute(insert(ShardConfig).values(GOOD | row))
    return await load_topology(manager, POOL)


async def test_no_rows(manager: DatabaseManager) -> None:
    topology = await load(manager)
    assert (topology.shards, topology.broken) == ({}, {})
    assert topology.loaded_at is not None


async def test_rows_become_shards_in_order(manager: DatabaseManager) -> None:
    topology = await load(
        manager,
        {"shard_id": 30, "shard_name": "thirty", "status": ShardStatus.MAINTENANCE},
        {},
        {
            "shard_id": -2,
            "shard_name": "minus",
            "weight": 3,
            "region": "eu",
            "pool_size": 2,
            "max_overflow": 0,
        },
        {"shard_id": 7, "shard_name": "seven", "status": ShardStatus.DISABLED, "driver": "mariadb+asyncmy"},
    )
    assert list(topology.shards) == [-2, 1, 7, 30]
    assert topology.broken == {}
    one = topology.shards[1]
    assert one.url == make_url("mysql+asyncmy://trader@db1.example:3307/platform").set(password="p@ss:/word")
    assert (one.name, one.status, one.weight, one.region, one.pool) == (
        "one",
        ShardStatus.ACTIVE,
        1,
        None,
        POOL,
    )
    minus = topology.shards[-2]
    assert (minus.weight, minus.region) == (3, "eu")
    assert (minus.pool.pool_size, minus.pool.max_overflow, minus.pool.read_timeout) == (2, 0, 7)
    assert topology.shards[7].url.drivername == "mariadb+asyncmy"
    assert [shard.shard_id for shard in topology.active] == [-2, 1]
    with pytest.raises(TypeError):
        topology.shards[5] = one  # type: ignore[index]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"driver": "postgresql+asyncpg"}, "names the driver 'postgresql\\+asyncpg'; supported are"),
        ({"driver": ""}, "driver"),
        ({"driver": "no driver!"}, "driver"),
        ({"host": ""}, "has no usable host and port"),
        ({"port": 0}, "has no usable host and port"),
        ({"port": -1}, "has no usable host and port"),
        ({"port": 65_536}, "has no usable host and port"),
        ({"database_name": ""}, "names no database"),
        ({"driver": "sqlite", "database_name": ""}, "names no file"),
        ({"driver": "sqlite", "database_name": ":memory:"}, "names no file"),
        ({"pool_size": 0}, "pool_size or max_overflow of its row is out of range"),
        ({"pool_size": 5000}, "out of range"),
        ({"max_overflow": -1}, "out of range"),
    ],
)
async def test_a_broken_row_is_named_and_the_others_work(
    manager: DatabaseManager, row: dict[str, Any], reason: str
) -> None:
    topology = await load(manager, {"shard_id": 5, "shard_name": "broken"} | row, {})
    assert list(topology.shards) == [1]
    assert list(topology.broken) == [5]
    with pytest.raises(ShardConfigurationError, match=f"shard 5 is unavailable: .*{reason}") as caught:
        topology.shard(5)
    assert caught.value.shard_id == 5
    assert GOOD["password"] not in str(caught.value)


@SQLITE
@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("status = 'inactive'", "its row has the status 'inactive'; it can be active, maintenance, disabled"),
        ("status = ''", "its row has the status ''"),
        ("port = 'abc'", "a column of its row has a wrong type"),
        ("pool_size = 'many'", "pool_size or max_overflow"),
        ("host = x'00ff'", "a column of its row has a wrong type|host"),
    ],
)
async def test_a_row_that_the_models_could_not_even_read(
    manager: DatabaseManager, assignment: str, reason: str
) -> None:
    await load(manager, {"shard_id": 5, "shard_name": "broken"}, {})
    async with manager.session() as session:
        await session.execute(text("PRAGMA ignore_check_constraints = ON"))
        await session.execute(text(f"UPDATE table_shard_config SET {assignment} WHERE shard_id = 5"))
    topology = await load_topology(manager, POOL)
    assert list(topology.shards) == [1]
    with pytest.raises(ShardConfigurationError, match=reason):
        topology.shard(5)


async def test_a_spoilt_column_that_is_not_used_spoils_nothing(manager: DatabaseManager) -> None:
    await load(manager, {})
    async with manager.session() as session:
        if manager.dialect_name == "sqlite":
            await session.execute(text("UPDATE table_shard_config SET replicas = 'not json'"))
    assert list((await load_topology(manager, POOL)).shards) == [1]


async def test_a_configuration_that_can_not_be_read(database_url: str) -> None:
    empty = DatabaseManager(database_url)
    with pytest.raises(DatabaseError) as caught:
        await load_topology(empty, POOL)
    assert isinstance(caught.value, MissingTableError)
    assert caught.value.table == "table_shard_config"
    await empty.close()


# SQLite files


@SQLITE
async def test_relative_files_start_at_the_folder_of_the_global_file(
    manager: DatabaseManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    topology = await load(
        manager,
        {"driver": "sqlite", "database_name": "shards/one.db"},
        {"shard_id": 2, "shard_name": "two", "driver": "sqlite+aiosqlite", "database_name": "/srv/two.db"},
    )
    assert topology.shards[1].url.database == str(tmp_path / "shards" / "one.db")
    assert topology.shards[2].url.database == "/srv/two.db"
    assert topology.shards[1].url.drivername == "sqlite+aiosqlite"


def test_a_relative_file_beside_a_global_server_stays_relative() -> None:
    assert sqlite_file("one.db", make_url("mysql+asyncmy://h/d")) == "one.db"
    assert sqlite_file("one.db", make_url("sqlite+aiosqlite:///data/global.db")) == "data/one.db"
    assert sqlite_file("", make_url("sqlite+aiosqlite:///data/global.db")) == ""


# Writing an address into a row


async def test_an_address_comes_back_from_its_columns(manager: DatabaseManager, tmp_path: Path) -> None:
    addresses = [
        make_url("mysql+asyncmy://trader@db1.example:3307/platform").set(password="p@ss:/wörd"),
        make_url("mariadb+asyncmy://db1.example/platform"),
        make_url(f"sqlite+aiosqlite:///{tmp_path / 'deep' / 'shard.db'}"),
        make_url("sqlite+aiosqlite:////srv/elsewhere.db"),
    ]
    rows = [
        {"shard_id": i, "shard_name": str(i), **address_columns(url, manager.url)}
        for i, url in enumerate(addresses)
    ]
    topology = await load(manager, *rows)
    assert topology.broken == {}
    for i, url in enumerate(addresses):
        found = topology.shards[i].url
        assert found.render_as_string(hide_password=False) == str(
            url.set(
                port=url.port or 3306, username=url.username or "", password=url.password or ""
            ).render_as_string(hide_password=False)
            if url.host
            else url
        )


def test_files_below_the_global_folder_are_stored_relative_to_it(tmp_path: Path) -> None:
    base = make_url(f"sqlite+aiosqlite:///{tmp_path / 'global.db'}")
    below = make_url(f"sqlite+aiosqlite:///{tmp_path / 'shards' / 'one.db'}")
    assert address_columns(below, base)["database_name"] == "shards/one.db"
    assert address_columns(make_url("sqlite+aiosqlite:////srv/a.db"), base)["database_name"] == "/srv/a.db"


def test_options_of_an_address_are_not_dropped_in_silence() -> None:
    url = make_url("mysql+asyncmy://h/d?ssl=true")
    with pytest.raises(ConfigurationError, match="the options ssl of a shard's URL can't be stored"):
        address_columns(url, make_url("sqlite+aiosqlite:///data/global.db"))
