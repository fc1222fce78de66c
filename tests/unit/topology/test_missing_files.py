from pathlib import Path

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import DatabaseConnectionError, DatabaseNotMigratedError, ShardUnavailableError
from shardwise.testing.templates import Template
from shardwise.topology.manager import DatabaseManager


async def test_opening_a_database_that_nobody_made_makes_no_file(tmp_path: Path) -> None:
    file = tmp_path / "data" / "global.db"
    with pytest.raises(
        DatabaseNotMigratedError, match=r"global database has not been migrated.*shardwise upgrade"
    ):
        await ShardedDatabase.from_url(f"sqlite:///{file}").open()
    assert not file.exists()


async def test_a_shard_whose_file_is_gone_is_named_and_not_made_anew(
    sqlite_template: Template, tmp_path: Path
) -> None:
    async with sqlite_template.open(tmp_path, real_commits=True) as db:
        await db.place_account(1)
        home = (await db.where(1)).shard_id
        file = Path(db.topology.shards[home].url.database or "")
        for part in tmp_path.glob(f"{file.name}*"):
            part.unlink()
        with pytest.raises(ShardUnavailableError, match=f"shard {home} is unavailable.*can't be opened"):
            async with db.session(1) as session:
                await session.connection()
        assert not file.exists()
        by_shard = {entry.shard_id: entry for entry in await db.health()}
        assert by_shard[home].status == "down"
        assert all(entry.ok for shard_id, entry in by_shard.items() if shard_id != home)
        assert not file.exists()


async def test_a_manager_by_itself_makes_its_file_unless_it_must_exist(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'one.db'}"
    careful, free = DatabaseManager(url, must_exist=True), DatabaseManager(url)
    with pytest.raises(DatabaseConnectionError, match="can't be opened"):
        async with careful.session() as session:
            await session.connection()
    for manager in (free, careful):
        async with manager.session() as session:
            await session.connection()
        await manager.close()
