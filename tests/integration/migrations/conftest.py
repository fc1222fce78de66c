"""Empty databases to migrate, and a way to ask them."""

from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

import shardwise.finance.models  # noqa: F401  # both metadatas, as the shipped env.py has them
from shardwise.migrations.branches import Branch
from shardwise.migrations.runner import stamp
from shardwise.migrations.targets import Target
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.engines import create_engine


@pytest.fixture
def make_target(
    engine_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[Branch], Target]]:
    """Make an empty database: the global one, or a shard with the next number."""
    numbers: Iterator[int] = count(1)
    names: list[str] = []

    def make(branch: Branch) -> Target:
        if engine_kind == "sqlite":
            url = make_url(f"sqlite+aiosqlite:///{tmp_path / f'{len(names)}.db'}")
        else:
            url = make_url(request.getfixturevalue("mariadb_server").create_database())
        names.append(str(url.database))
        return Target.global_database(url) if branch is Branch.GLOBAL else Target.shard(next(numbers), url)

    yield make
    if engine_kind == "mariadb":
        server: MariaDBServer = request.getfixturevalue("mariadb_server")
        for name in names:
            server.drop_database(name)


@pytest.fixture(params=list(Branch))
def target(request: pytest.FixtureRequest, make_target: Callable[[Branch], Target]) -> Target:
    """An empty database of each branch, on each engine."""
    return make_target(request.param)


@pytest.fixture
def global_target(make_target: Callable[[Branch], Target]) -> Target:
    """An empty database for the shorter branch, on each engine."""
    return make_target(Branch.GLOBAL)


@pytest.fixture
def make_head(
    ask: Callable[[Target, Callable[[Connection], Any]], Awaitable[Any]],
) -> Callable[[Target], Awaitable[None]]:
    """Bring an empty database to the head the short way, where it is only a condition of the test."""

    async def make_head(target: Target) -> None:
        await ask(target, target.branch.metadata.create_all)
        await stamp(target, "head")

    return make_head


@pytest.fixture
def ask() -> Callable[[Target, Callable[[Connection], Any]], Awaitable[Any]]:
    """Call a function with a connection to a database, in a transaction."""

    async def ask(target: Target, question: Callable[[Connection], Any]) -> Any:
        engine = create_engine(target.url, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(question)
        finally:
            await engine.dispose()

    return ask
