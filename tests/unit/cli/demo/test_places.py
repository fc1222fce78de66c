"""The demo deletes what a demo made, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from shardwise.cli import databases
from shardwise.cli.demo.places import SHARDS, FolderPlace, Place, ServerPlace
from shardwise.errors import ConfigurationError
from shardwise.topology.manager import DatabaseManager


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def make_table(url: URL, name: str) -> None:
    manager = DatabaseManager(url)
    async with manager.session() as session:
        await session.execute(text(f"CREATE TABLE {name} (id INTEGER)"))
    await manager.close()


@pytest.fixture
def place(engine_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where no demo has been yet, on either engine."""
    if engine_kind == "sqlite":
        yield FolderPlace(tmp_path / "deep" / "demo")
        return
    server = request.getfixturevalue("mariadb_server")
    place = ServerPlace(make_url(server.url("demo_place")))
    yield place
    for url in (place.global_url(), *map(place.shard_url, SHARDS)):
        server.drop_database(url.database)


async def test_second_run_starts_empty(place: Place) -> None:
    for _ in range(2):
        await place.clear()
        for url in (place.global_url(), place.shard_url(1)):
            await place.make(url)
            assert "alembic_version" not in await databases.table_names(url)
            await make_table(url, "alembic_version")


async def test_databases_of_others_stay(place: Place) -> None:
    stranger = place.shard_url(2)
    await databases.create(stranger)
    await make_table(stranger, "precious")
    with pytest.raises(ConfigurationError, match="was not made by a demo and stays as it is"):
        await place.clear()
    assert await databases.table_names(stranger) == {"precious"}


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_tables_of_others_in_a_demo_database_stay(place: Place) -> None:
    await place.clear()
    await place.make(place.global_url())
    await make_table(place.global_url(), "precious")
    await place.clear()
    assert "precious" in await databases.table_names(place.global_url())


async def test_second_demo_is_refused_while_one_runs(place: Place) -> None:
    for _ in range(2):
        async with place.held():
            with pytest.raises(ConfigurationError, match="another demo runs in"):
                async with place.held():
                    pytest.fail("two demos would delete each other's databases")


async def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    others = [tmp_path / name for name in ("notes.txt", "shard_9.db", "global.db.backup")]
    for file in others:
        file.write_text("mine")
    for _ in range(2):
        await place.clear()
    assert all(file.read_text() == "mine" for file in others)


async def test_file_in_place_of_the_folder_stays(tmp_path: Path) -> None:
    file = tmp_path / "demo"
    file.write_text("mine")
    with pytest.raises(ConfigurationError, match="is not a folder"):
        async with FolderPlace(file).held():
            pytest.fail("a file was taken for a folder")
    assert file.read_text() == "mine"


async def test_nothing_is_deleted_if_one_database_is_strange(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    for name in ("global.db", "shard_1.db"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigurationError):
        await place.clear()
    assert names_in(tmp_path) == ["global.db", "shard_1.db"]


def test_names_of_shards_follow_the_global_one() -> None:
    place = ServerPlace(make_url("mysql+asyncmy://u:p@h/mine_global"))
    assert place.shard_url(3).database == "mine_global_shard_3"


def test_name_that_leaves_no_room() -> None:
    with pytest.raises(ConfigurationError, match="too long"):
        ServerPlace(make_url(f"mysql+asyncmy://u:p@h/{'n' * 60}"))
