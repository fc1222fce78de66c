from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shardwise.testing.statements import run
from shardwise.topology.engines import create_engine


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine of ours on an empty database, SQLite and MariaDB."""
    engine = create_engine(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
def filled_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """The URL, by kind of engine, of a database with the module's METADATA and ROWS, made once."""
    made: dict[str, str] = {}

    def url(kind: str) -> str:
        if kind not in made:
            made[kind] = _new_url(kind, request, tmp_path_factory)
            run(_fill(made[kind], request.module.METADATA, request.module.ROWS))
        return made[kind]

    yield url
    if "mariadb" in made:
        server = request.getfixturevalue("mariadb_server")
        server.drop_database(made["mariadb"].rpartition("/")[2])


def _new_url(kind: str, request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> str:
    if kind == "sqlite":
        file: Path = folders.mktemp("filled") / "database.db"
        return f"sqlite+aiosqlite:///{file}"
    return str(request.getfixturevalue("mariadb_server").create_database())


async def _fill(url: str, metadata: MetaData, rows: dict[Table, list[dict[str, Any]]]) -> None:
    engine = create_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        for table, values in rows.items():
            await connection.execute(insert(table), values)
    await engine.dispose()


@pytest.fixture
async def connection(
    engine_kind: str, filled_database: Callable[[str], str]
) -> AsyncIterator[AsyncConnection]:
    """A connection to the module's filled database, in a transaction that is rolled back."""
    engine = create_engine(filled_database(engine_kind))
    async with engine.connect() as connection:
        yield connection
        await connection.rollback()
    await engine.dispose()
