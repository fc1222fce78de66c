"""What a test did to a server's databases is undone, whatever it was."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from shardwise.schema.control import ShardMapping, ShardStats
from shardwise.testing.isolation import read_contents, restore_contents
from shardwise.testing.servers import MariaDBServer
from shardwise.testing.templates import Template, TemplateOptions, template_for


@pytest.fixture
def small(mariadb_server: MariaDBServer) -> str:
    url = mariadb_server.create_database()
    mariadb_server.execute(
        "CREATE TABLE parents (id INT PRIMARY KEY, note JSON, flag BIT(1), amount DECIMAL(20, 4))",
        "CREATE TABLE children (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parents(id))",
        "INSERT INTO parents VALUES (1, '{\"a\": 1}', b'1', 10.0001), (2, NULL, NULL, NULL)",
        database=make_url(url).database,
    )
    return url


async def test_rows_and_tables_are_as_before(mariadb_server: MariaDBServer, small: str) -> None:
    url = make_url(small)
    before = await read_contents(url)
    assert set(before.tables) == {"parents", "children"}
    assert set(before.rows) == {"parents"}
    mariadb_server.execute(
        "UPDATE parents SET note = '{}' WHERE id = 1",
        "DELETE FROM parents WHERE id = 2",
        "INSERT INTO children VALUES (7, 1)",
        "CREATE TABLE made_by_the_test (id INT)",
        database=url.database,
    )
    await restore_contents(url, before)
    after = await read_contents(url)
    assert after.rows == before.rows
    assert set(after.tables) == set(before.tables)


async def test_a_lock_that_was_left_does_not_hang_the_run(
    mariadb_server: MariaDBServer, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shardwise.testing.isolation._LOCK_PATIENCE", 1)
    url = make_url(small)
    before = await read_contents(url)
    holder = asyncio.create_task(
        asyncio.to_thread(
            mariadb_server.execute,
            "BEGIN",
            "DELETE FROM parents",
            "SELECT SLEEP(2)",
            database=url.database,
        )
    )
    await asyncio.sleep(0.5)
    with pytest.raises(Exception, match="Lock wait timeout"):
        await asyncio.wait_for(restore_contents(url, before), 1.9)
    await holder


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_rolled_back_leaves_nothing(template: Template, tmp_path: Path) -> None:
    async with template.open(tmp_path, real_commits=False) as db:
        async with db.global_session() as session:
            session.add(ShardMapping(account_db_key=1, shard_id=1))
            (await session.get_one(ShardStats, 1)).user_count = 5
        async with db.global_session() as session:
            assert (await session.get_one(ShardStats, 1)).user_count == 5
    async with template.open(tmp_path, real_commits=True) as db, db.global_session() as session:
        assert await session.get(ShardMapping, 1) is None
        assert (await session.get_one(ShardStats, 1)).user_count == 0


async def test_options_of_the_application_win(tmp_path: Path) -> None:
    options = TemplateOptions(
        shard_ids=(5,),
        settings={"topology": {"revision_check": "refuse"}, "environment": "development"},
    )
    settings = options.settings_for(make_url("sqlite+aiosqlite:///a.db"))
    assert settings.topology.revision_check == "refuse"
    assert settings.topology.refresh_interval == 0
    assert settings.environment == "development"
    source = tmp_path / "template"
    source.mkdir()
    template = template_for(None, options, source, "unused")
    await template.build()
    copy = tmp_path / "copy"
    copy.mkdir()
    async with template.open(copy) as db:
        async with db.shard_session(5) as session:
            assert await session.scalar(text("PRAGMA synchronous")) == 0
        assert {health.revision for health in await db.health()} != {None}
    assert not copy.exists()
    await template.drop()
    assert not source.exists()
