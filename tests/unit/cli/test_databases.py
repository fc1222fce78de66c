"""Databases as a whole, on either engine."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from shardwise.cli import databases
from shardwise.errors import DatabaseConnectionError


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_made_marked_emptied(database_url: str) -> None:
    url = make_url(database_url)
    await databases.create(url)
    await databases.mark(url, "one")
    await databases.mark(url, "one")
    await databases.mark(url, "two")
    assert await databases.exists(url)
    assert await databases.table_names(url) == {"one", "two"}
    await databases.delete_contents(url)
    assert (not await databases.exists(url)) or await databases.table_names(url) == frozenset()


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_only_named_tables_are_dropped(database_url: str) -> None:
    url = make_url(database_url)
    for name in ("one", "two"):
        await databases.mark(url, name)
    await databases.drop_tables(url, names={"one", "never there"})
    assert await databases.table_names(url) == {"two"}


@pytest.mark.usefixtures("mariadb_installed")
async def test_name_is_quoted(mariadb_server: object, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("mariadb_server")
    url = make_url(server.url("x")).set(database="odd`name; DROP")
    request.addfinalizer(lambda: server.execute("DROP DATABASE `odd``name; DROP`"))
    assert not await databases.exists(url)
    await databases.create(url)
    assert await databases.exists(url)


async def test_missing_file_is_not_made(tmp_path: Path) -> None:
    url = make_url(f"sqlite+aiosqlite:///{tmp_path / 'x' / 'y.db'}")
    assert not await databases.exists(url)
    await databases.delete_contents(url)
    assert names_in(tmp_path) == []


def test_files_beside_the_database_go_too(tmp_path: Path) -> None:
    for name in ("a.db", "a.db-wal", "a.db-shm", "a.db-journal", "a.db-mine", "b.db"):
        (tmp_path / name).touch()
    databases.delete_files(make_url(f"sqlite:///{tmp_path / 'a.db'}"))
    assert names_in(tmp_path) == ["a.db-mine", "b.db"]


async def test_error_names_the_database_and_no_secret() -> None:
    url = make_url("mysql+asyncmy://ann:hidden@127.0.0.1:1/mine")
    with pytest.raises(DatabaseConnectionError) as raised:
        await databases.exists(url)
    assert raised.value.__notes__ == ["database: 127.0.0.1:1/information_schema"]
    assert databases.shown(url) == "127.0.0.1:1/mine"
