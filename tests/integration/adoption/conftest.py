"""An old deployment with rows, and the command that adopts it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from old_deployment import OldDeployment, old_deployment
from old_rows import fill
from shardwise.cli.app import app
from shardwise.testing.servers import MariaDBServer

ACCOUNTS = 20


@dataclass(frozen=True, kw_only=True)
class Adopting:
    """`shardwise adopt` on one deployment."""

    url: str

    def run(self, *arguments: str, code: int = 0) -> Result:
        """Run it and check its exit code; whatever it prints, no password is in it."""
        jobs = () if "--jobs" in arguments else ("--jobs", "1")  # starting processes takes a second
        command = ["adopt", "--global-url", self.url, *jobs, *arguments]
        result = CliRunner(env={"COLUMNS": "400"}).invoke(app, command, catch_exceptions=False)
        assert result.exit_code == code, f"exit code {result.exit_code}: {result.stderr}{result.stdout}"
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run it with --json and return what it printed."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def findings(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """Return what a dry run finds."""
        found: list[dict[str, Any]] = self.json("--dry-run", *arguments, code=code)["findings"]
        return found


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, without settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("DATABASE_", "SHARDWISE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def old(mariadb_server: MariaDBServer) -> Iterator[OldDeployment]:
    """A global database and two shards with some rows of everything."""
    with old_deployment(mariadb_server) as deployment:
        fill(deployment, accounts=ACCOUNTS)
        yield deployment


@pytest.fixture
def adopting(old: OldDeployment) -> Adopting:
    """The command on that deployment."""
    return Adopting(url=old.url)
