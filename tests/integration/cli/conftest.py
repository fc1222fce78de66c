"""Runs commands against real databases, each test in an empty folder and a clean environment."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner, Result

from shardwise.cli.app import app
from shardwise.database import ShardedDatabase


@dataclass(frozen=True, kw_only=True)
class Cli:
    """The command line with DATABASE_URL set to one global database."""

    url: str

    async def run(self, *arguments: str, code: int = 0, **environment: str) -> Result:
        """Run a command beside the test's event loop and check its exit code."""
        runner = CliRunner(env={"DATABASE_URL": self.url, "COLUMNS": "400", **environment})
        result = await asyncio.to_thread(runner.invoke, app, arguments, catch_exceptions=False)
        assert result.exit_code == code, f"exit code {result.exit_code}: {result.stderr}{result.stdout}"
        return result

    async def json(self, *arguments: str, code: int = 0, **environment: str) -> Any:
        """Run a command with --json and return what it printed, which must be JSON and nothing else."""
        return json.loads((await self.run(*arguments, "--json", code=code, **environment)).stdout)


def error_line(result: Result) -> str:
    """Return what went to standard error, which must be one line."""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("shardwise: ")
    return lines[0]


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, without settings of whoever runs the tests."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in os.environ:
        if name.startswith(("DATABASE_", "SHARDWISE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def new_url(
    engine_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """Names addresses where no database is yet, on either engine; what was made there is dropped."""
    if engine_kind == "sqlite":
        yield lambda name: f"sqlite+aiosqlite:///{tmp_path / 'new' / name}.db"
        return
    server = request.getfixturevalue("mariadb_server")
    made = []

    def address(name: str) -> str:
        made.append(f"cli_{request.node.name.partition('[')[0][:40]}_{name}")
        return str(server.url(made[-1]))

    yield address
    for name in made:
        server.drop_database(name)


@pytest.fixture
def cli(db: ShardedDatabase) -> Cli:
    """The command line on a migrated global database with the shards 1 and 2."""
    return Cli(url=db.global_manager.url.render_as_string(hide_password=False))


@pytest.fixture
def errors() -> Callable[[Result], str]:
    """Returns a result's one line on standard error."""
    return error_line


@pytest.fixture
def secret(cli: Cli) -> str | None:
    """The server's password, which nothing may print; None on SQLite."""
    return make_url(cli.url).password
