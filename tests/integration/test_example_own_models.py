"""The example application runs as its README says, in a folder of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from shardwise.testing.servers import MariaDBServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_models"
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "schema-and-migrations.md"
BIN = Path(sys.executable).parent
PLATFORM_TABLES = ("table_accountid", "table_user_accounts", "table_transactions", "outbox_events")
ONE_MORE_MODEL = """

class Label(ShardBase):
    __tablename__ = "labels"

    account_db_key: Mapped[int] = account_key_column()
    name: Mapped[str] = mapped_column(String(50), primary_key=True)
"""


class Run(Protocol):
    def __call__(
        self, *command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> str: ...


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "own_models"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "data", ".pytest_cache"))
    return folder


@pytest.fixture
def run(project: Path) -> Run:
    ours = ("DATABASE_", "SHARDWISE_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

    def call(*command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=cwd or project,
            env=kept | dict(environment or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_its_tests_pass(run: Run, engine_kind: str, request: pytest.FixtureRequest) -> None:
    server = {}
    if engine_kind == "mariadb":
        server["SHARDWISE_TEST_URL"] = request.getfixturevalue("mariadb_server").url()
    printed = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", environment=server)
    assert " passed" in printed
    assert " skipped" not in printed


def test_main_makes_its_databases_and_runs_again(run: Run, project: Path) -> None:
    script = (
        "import runpy, sys; sys.argv = ['main.py', 'files'];"
        " runpy.run_path('main.py', run_name='__main__');"
        " assert not [name for name in sys.modules if name.startswith('shardwise.finance')]"
    )
    first = run(sys.executable, "-c", script)
    assert "lives on shard 1 and has: Groceries\n" in first
    assert "lives on shard 2 and has: Groceries\n" in first
    assert "A draft" not in first
    for name in ("global.db", "shard_1.db", "shard_2.db"):
        content = (project / "files" / name).read_bytes()
        assert not [table for table in PLATFORM_TABLES if table.encode() in content]
    assert "ada is a member already" in run(sys.executable, "main.py", "files")


def test_revisions_make_what_the_models_say_in_both_command_forms(
    run: Run, project: Path, mariadb_server: MariaDBServer
) -> None:
    environment = {
        "DATABASE_URL": mariadb_server.create_database(),
        "SHARDWISE_SHARD_URL": mariadb_server.create_database(),
        "SHARDWISE_MIGRATIONS__SCRIPT_LOCATION": str(project / "alembic"),
    }
    # From another folder: env.py finds the models all the same.
    run("shardwise", "upgrade", cwd=project.parent, environment=environment)
    run("shardwise", "shards", "add", "1", "--upgrade", cwd=project.parent, environment=environment)
    run("alembic", "-n", "global", "check", environment=environment)
    run("alembic", "-x", "shard=1", "check", environment=environment)
    current = run("alembic", "-n", "shard", "-x", "shard=all", "current", environment=environment)
    assert "s0002 (head)" in current


def test_branches_begin_from_nothing_as_the_guide_says(run: Run, project: Path) -> None:
    for branch in ("global", "shard"):
        for file in (project / "alembic" / "versions" / branch).glob("*.py"):
            file.unlink()
    environment = {
        "DATABASE_URL": "sqlite+aiosqlite:///own/global.db",
        "SHARDWISE_MIGRATIONS__SCRIPT_LOCATION": str(project / "alembic"),
    }
    section = GUIDE.read_text().split("the shard branch begins with an empty revision:", 1)[1]
    script = section.split("```sh\n", 1)[1].split("```", 1)[0]
    printed = run("bash", "-eu", "-c", script, environment=environment)
    assert "No new upgrade operations detected" in printed
    written = {path.name for path in (project / "alembic" / "versions").glob("*/*.py")}
    assert written == {"g0001_first_tables.py", "s0001_beginning.py", "s0002_first_tables.py"}
    run("alembic", "-n", "global", "check", environment=environment)


def test_a_new_model_becomes_a_revision_of_its_own_tables_alone(
    run: Run, project: Path, tmp_path: Path
) -> None:
    environment = {
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'files' / 'global.db'}",
        "SHARDWISE_MIGRATIONS__SCRIPT_LOCATION": str(project / "alembic"),
    }
    run(sys.executable, "main.py", str(tmp_path / "files"))
    with (project / "notes" / "models.py").open("a") as models:
        models.write(ONE_MORE_MODEL)
    run("shardwise", "revision", "shard", "-m", "labels", "--autogenerate", environment=environment)
    written = (project / "alembic" / "versions" / "shard" / "s0003_labels.py").read_text()
    assert written.count("create_table") == 1
    assert "'labels'" in written
    run("shardwise", "upgrade", environment=environment)
    run("alembic", "-x", "shard=2", "check", environment=environment)
