"""What a test did to a server's databases is undone, whatever it was."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from shardwise.schema.control import ShardMapping, ShardStats
from shardwise.testing.isolation import read_contents, restore_contents
from shardwise.testing.servers import MariaDBServer
from shardwise.testing.templates import Template, TemplateOptions, template_for
from shardwise.topology.engines import create_engine


@pytest.fixture
async def small(mariadb_server: MariaDBServer) -> AsyncIterator[AsyncEngine]:
    url = mariadb_server.create_database()
    mariadb_server.execute(
        "CREATE TABLE parents (id INT PRIMARY KEY, note JSON, flag BIT(1), amount DECIMAL(20, 4))",
        "CREATE TABLE children (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parents(id))",
        "INSERT INTO parents VALUES (1, '{\"a\": 1}', b'1', 10.0001), (2, NULL, NULL, NULL)",
        database=make_url(url).database,
    )
    engine = create_engine(url)
    yield engine
    await engine.dispose()


async def test_rows_and_tables_are_as_before(mariadb_server: MariaDBServer, small: AsyncEngine) -> None:
    before = await read_contents(small)
    assert set(before.tables) == {"parents", "children"}
    assert set(before.rows) == {"parents"}
    mariadb_server.execute(
        "UPDATE parents SET note = '{}' WHERE id = 1",
        "DELETE FROM parents WHERE id = 2",
        "INSERT INTO children VALUES (7, 1)",
        "CREATE TABLE made_by_the_test (id INT)",
        database=small.url.database,
    )
    await restore_contents(small, before)
    after = await read_contents(small)
    assert after.rows == before.rows
    assert set(after.tables) == set(before.tables)


async def test_a_lock_that_was_left_does_not_hang_the_run(
    small: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shardwise.testing.isolation._LOCK_PATIENCE", 1)
    before = await read_contents(small)
    async with small.connect() as holder:
        await holder.execute(text("INSERT INTO parents (id) VALUES (3)"))
        await holder.commit()
        await holder.execute(text("UPDATE parents SET amount = 1"))
        with pytest.raises(OperationalError, match="Lock wait timeout"):
            await restore_contents(small, before)


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
