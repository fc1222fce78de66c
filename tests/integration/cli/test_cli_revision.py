"""`shardwise revision`, and the command line as a whole."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import shardwise
import shardwise.migrations
from shardwise.cli import revision
from shardwise.database import ShardedDatabase
from shardwise.migrations.branches import Branch, expected_head, script_location

Errors = Callable[[Result], str]
on_sqlite = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """An application's own Alembic folder; here a copy of ours."""
    shutil.copytree(script_location(), tmp_path / "own", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "own"


def next_of(branch: Branch) -> str:
    head = expected_head(branch)
    return f"{head[0]}{int(head[1:]) + 1:04}"


@on_sqlite
@pytest.mark.parametrize("branch", list(Branch))
async def test_new_revision_follows_its_branch(
    cli: Any, db: ShardedDatabase, own_folder: Path, branch: Branch
) -> None:
    result = await cli.run(
        "revision", branch, "-m", "more of it", SHARDWISE_MIGRATIONS__SCRIPT_LOCATION=str(own_folder)
    )
    file = own_folder / "versions" / branch / f"{next_of(branch)}_more_of_it.py"
    assert str(file) in result.stdout.replace("\n", "")
    assert f"down_revision = '{expected_head(branch)}'" in file.read_text().replace('"', "'")


@pytest.mark.parametrize("branch", list(Branch))
async def test_autogenerate_finds_nothing_to_do_at_head(
    cli: Any, db: ShardedDatabase, own_folder: Path, branch: Branch
) -> None:
    await cli.run(
        "revision", branch, "-m", "x", "--autogenerate", SHARDWISE_MIGRATIONS__SCRIPT_LOCATION=str(own_folder)
    )
    written = (own_folder / "versions" / branch / f"{next_of(branch)}_x.py").read_text()
    assert "op." not in written


@on_sqlite
async def test_autogenerate_needs_a_database_at_head(
    cli: Any, db: ShardedDatabase, own_folder: Path, errors: Errors
) -> None:
    environment = {"SHARDWISE_MIGRATIONS__SCRIPT_LOCATION": str(own_folder)}
    await cli.run("revision", "shard", "-m", "one", **environment)
    result = await cli.run("revision", "shard", "-m", "two", "--autogenerate", code=1, **environment)
    assert "not up to date" in errors(result)


@on_sqlite
async def test_installed_package_is_not_written_to(
    cli: Any, errors: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = Path(shardwise.migrations.__file__).parent / "alembic"
    monkeypatch.setattr(revision, "script_location", lambda: installed)
    line = errors(await cli.run("revision", "shard", "-m", "x", code=2))
    assert "SHARDWISE_MIGRATIONS__SCRIPT_LOCATION" in line


@on_sqlite
@pytest.mark.parametrize(
    "words", [("upgrade",), ("status",), ("shards", "list"), ("revision", "shard", "-m", "x")]
)
async def test_folder_of_revisions_that_is_not_there(
    cli: Any, db: ShardedDatabase, errors: Errors, tmp_path: Path, words: tuple[str, ...]
) -> None:
    nowhere = str(tmp_path / "nowhere")
    line = errors(await cli.run(*words, code=1, SHARDWISE_MIGRATIONS__SCRIPT_LOCATION=nowhere))
    assert nowhere in line


@on_sqlite
@pytest.mark.parametrize("revision", ["", "@", "base", "nope"])
async def test_upgrade_to_a_revision_that_is_not_there(cli: Any, db: ShardedDatabase, revision: str) -> None:
    result = await cli.run("upgrade", "--revision", revision, code=2)
    assert f"there is no revision {revision!r}" in result.stderr


@on_sqlite
async def test_branch_that_is_none(cli: Any) -> None:
    assert "other" in (await cli.run("revision", "other", "-m", "x", code=2)).stderr


@on_sqlite
async def test_version(cli: Any) -> None:
    assert (await cli.run("--version")).stdout == f"shardwise {shardwise.__version__}\n"


@on_sqlite
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("upgrade",),
        ("status",),
        ("shards",),
        ("shards", "list"),
        ("shards", "add"),
        ("shards", "set-status"),
        ("shards", "check"),
        ("shards", "recount"),
        ("accounts", "where"),
        ("revision",),
        ("recreate",),
        ("demo",),
    ],
)
async def test_every_command_has_help(cli: Any, words: tuple[str, ...]) -> None:
    assert "Usage:" in (await cli.run(*words, "--help")).stdout


@on_sqlite
async def test_unknown_command_is_a_usage_error(cli: Any) -> None:
    assert "No such command" in (await cli.run("frobnicate", code=2)).stderr
