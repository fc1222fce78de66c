"""The alembic command itself, in both forms, and what it must never do."""

import asyncio
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic.config import CommandLine
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL

from shardwise.migrations.branches import Branch, alembic_config, expected_head
from shardwise.migrations.runner import current_revision
from shardwise.migrations.targets import Target
from shardwise.topology.loader import address_columns

ROOT = Path(__file__).parents[3]
Ask = Callable[[Target, Callable[[Connection], Any]], Awaitable[Any]]
MakeTarget = Callable[[Branch], Target]
MakeHead = Callable[[Target], Awaitable[None]]
on_sqlite = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)


class Commands:
    """Runs alembic's commands in this process, as its program does after it has read its arguments."""

    async def __call__(self, *arguments: str) -> str:
        return await asyncio.to_thread(self._run, arguments)

    def _run(self, arguments: tuple[str, ...]) -> str:
        output = io.StringIO()
        options = CommandLine().parser.parse_args(["--raiseerr", *arguments])
        config = alembic_config()
        config.cmd_opts, config.stdout, config.output_buffer = options, output, output
        CommandLine().run_cmd(config, options)
        return output.getvalue()

    async def refused(self, *arguments: str) -> str:
        with pytest.raises(CommandError) as refusal:
            await self(*arguments)
        return str(refusal.value)


@dataclass
class Shell:
    """Runs several `alembic` commands as a person would, from a folder with alembic.ini in it."""

    folder: Path
    url: URL

    def __call__(self, *commands: str) -> list[tuple[int, str]]:
        """Return each command's exit code and what it wrote; one interpreter runs them all."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_", "SHARDWISE_"))}
        done = subprocess.run(
            [sys.executable, "-c", IN_TURN, *commands],
            cwd=self.folder,
            env=kept | {"DATABASE_URL": self.url.render_as_string(hide_password=False)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        ends = re.split(r"^exit (-?\d+)\n", done.stdout, flags=re.MULTILINE)
        return [(int(code), output) for output, code in zip(ends[::2], ends[1::2], strict=False)]


IN_TURN = """
import shlex, sys
from alembic.config import main

for line in sys.argv[1:]:
    code = 0
    try:
        main(shlex.split(line), prog="alembic")
    except SystemExit as end:
        code = end.code or 0
    sys.stderr.flush()
    print(f"exit {code}", flush=True)
"""


@pytest.fixture
def alembic(global_target: Target, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setenv("DATABASE_URL", global_target.url.render_as_string(hide_password=False))
    return Commands()


@pytest.fixture
async def shards(
    make_target: MakeTarget, make_head: MakeHead, global_target: Target, ask: Ask
) -> list[Target]:
    """Two empty shards of a global database at the head."""
    await make_head(global_target)
    shards = [make_target(Branch.SHARD) for _ in range(2)]
    table = Branch.GLOBAL.metadata.tables["table_shard_config"]
    rows = [
        {
            "shard_id": shard.shard_id,
            "shard_name": shard.name,
            **address_columns(shard.url, global_target.url),
        }
        for shard in shards
    ]
    await ask(global_target, lambda connection: connection.execute(table.insert(), rows))
    return shards


async def tables(ask: Ask, target: Target) -> set[str]:
    found = await ask(target, lambda connection: set(inspect(connection).get_table_names()))
    return found - {"alembic_version"}


# Both forms


async def test_plain_form(global_target: Target, shards: list[Target]) -> None:
    head = expected_head(Branch.SHARD)
    outcomes = Shell(ROOT, global_target.url)(
        "-x database=global check",
        "-x shard=1 upgrade head",
        "-x shard=1 check",
        "-x shard=1 current",
    )
    assert [code for code, _ in outcomes] == [0, 0, 0, 0], outcomes
    assert "No new upgrade operations" in outcomes[0][1]
    assert "Running upgrade  -> s0001, The tables" in outcomes[1][1]
    assert "No new upgrade operations" in outcomes[2][1]
    assert f"{head} (head)" in outcomes[3][1]
    assert [await current_revision(shard) for shard in shards] == [head, None]


async def test_form_with_sections(global_target: Target, shards: list[Target]) -> None:
    outcomes = Shell(ROOT, global_target.url)(
        "-n global downgrade -1",
        "-n global upgrade head",
        "-n shard -x shard=2 upgrade head",
        "-n shard -x shard=2 check",
        "-n global -x shard=1 upgrade head",
        "-n shard upgrade head",
    )
    assert [code for code, _ in outcomes] == [0, 0, 0, 0, -1, -1], outcomes
    assert "No new upgrade operations" in outcomes[3][1]
    assert "FAILED: section [global] holds no revisions for the shard database" in outcomes[4][1]
    assert "FAILED: no database is named; say which one with -x database=global" in outcomes[5][1]
    assert "Traceback" not in outcomes[4][1] + outcomes[5][1]
    assert [await current_revision(shard) for shard in shards] == [None, expected_head(Branch.SHARD)]
    assert await current_revision(global_target) == expected_head(Branch.GLOBAL)


@on_sqlite
async def test_all_shards(alembic: Commands, shards: list[Target]) -> None:
    await alembic("-x", "shard=all", "upgrade", "shard@head")
    assert "No new upgrade operations" in await alembic("-x", "shard=all", "check")
    assert (await alembic("-x", "shard=all", "current")).split("\n")[:3:2] == ["shard 1:", "shard 2:"]
    await alembic("-x", "shard=all", "downgrade", "s0003")
    assert [await current_revision(shard) for shard in shards] == ["s0003", "s0003"]
    await alembic("-x", "shard=all", "stamp", "s0002")
    assert [await current_revision(shard) for shard in shards] == ["s0002", "s0002"]


@on_sqlite
async def test_a_broken_shard_does_not_keep_the_others_from_their_turn(
    alembic: Commands, shards: list[Target]
) -> None:
    file = Path(shards[0].url.database or "")
    await asyncio.to_thread(file.write_bytes, b"this is no database" * 100)
    message = await alembic.refused("-x", "shard=all", "upgrade", "s0002")
    assert message.startswith("shard 1: ")
    assert await current_revision(shards[1]) == "s0002"


@on_sqlite
def test_history_needs_no_database(global_target: Target) -> None:
    both, one = Shell(ROOT, global_target.url)("history", "-n global history")
    assert "<base> -> g0001 (global)" in both[1]
    assert "<base> -> s0001 (shard)" in both[1]
    assert "s0001" not in one[1]


# One branch's tables never get into the other's database


@pytest.mark.parametrize(
    ("engine_kind", "revision"),
    [("sqlite", "head"), ("sqlite", "heads"), ("sqlite", "shard@head"), ("mariadb", "heads")],
    indirect=["engine_kind"],
)
async def test_every_head_on_a_shard_is_the_shards(
    alembic: Commands, shards: list[Target], ask: Ask, revision: str
) -> None:
    await alembic("-x", "shard=1", "upgrade", revision)
    assert await tables(ask, shards[0]) == set(Branch.SHARD.metadata.tables)


@pytest.mark.parametrize("revision", ["global@head", "g0001", "global@base+1"])
@on_sqlite
async def test_the_other_branch_does_not_exist_for_a_shard(
    alembic: Commands, shards: list[Target], ask: Ask, revision: str
) -> None:
    message = await alembic.refused("-x", "shard=1", "upgrade", revision)
    assert "global" in message or "g0001" in message
    assert await tables(ask, shards[0]) == set()


async def test_a_shard_whose_address_is_the_global_database_is_refused(
    alembic: Commands, shards: list[Target], global_target: Target, ask: Ask
) -> None:
    address = address_columns(global_target.url, global_target.url)
    table = Branch.GLOBAL.metadata.tables["table_shard_config"]
    change = table.update().where(table.c.shard_id == 1).values(**address)
    await ask(global_target, lambda connection: connection.execute(change))
    for command in ("upgrade", "stamp", "downgrade"):
        message = await alembic.refused(
            "-x", "shard=1", command, "base" if command == "downgrade" else "head"
        )
        assert "is a database of the global branch" in message
    assert await tables(ask, global_target) == set(Branch.GLOBAL.metadata.tables)
    assert await current_revision(global_target) == expected_head(Branch.GLOBAL)


@on_sqlite
async def test_tables_without_a_version_are_recognized(
    alembic: Commands, shards: list[Target], global_target: Target, ask: Ask
) -> None:
    await ask(shards[0], Branch.GLOBAL.metadata.create_all)
    message = await alembic.refused("-x", "shard=1", "upgrade", "head")
    assert "it has the table table_accountid" in message


@on_sqlite
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "-x database=global, -x shard=NUMBER or -x shard=all"),
        (["-x", "shard=9"], "shard 9 is not in table_shard_config"),
        (["-x", "shard=1", "-x", "shard=2"], "name one, or all shards with -x shard=all"),
    ],
)
async def test_a_database_must_be_named(
    alembic: Commands, shards: list[Target], arguments: list[str], message: str
) -> None:
    assert message in await alembic.refused(*arguments, "upgrade", "head")


@on_sqlite
async def test_shards_need_a_migrated_global_database(alembic: Commands) -> None:
    message = await alembic.refused("-x", "shard=1", "upgrade", "head")
    assert "table_shard_config can't be read" in message


# SQL instead of changes


async def test_sql_is_written_and_nothing_is_touched(
    alembic: Commands, shards: list[Target], ask: Ask, engine_kind: str
) -> None:
    script = await alembic("-x", "shard=1", "upgrade", "s0002", "--sql")
    assert await tables(ask, shards[0]) == set()
    assert "CREATE TABLE table_user_accounts" in script
    assert ("ENGINE" in script or "MODIFY" in script) == (engine_kind == "mariadb")
    assert "UPDATE alembic_version SET version_num='s0002'" in script


@on_sqlite
async def test_sql_of_every_revision_makes_the_head(
    alembic: Commands, global_target: Target, shards: list[Target], ask: Ask
) -> None:
    script = await alembic("-x", "shard=1", "upgrade", "head", "--sql")

    def run_script(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        for statement in script.replace("BEGIN;", "").replace("COMMIT;", "").split(";\n"):
            cursor.execute(statement)

    await ask(shards[0], run_script)
    assert "No new upgrade operations" in await alembic("-x", "shard=1", "check")


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_sql_has_the_session_that_an_upgrade_has(
    alembic: Commands, shards: list[Target], ask: Ask
) -> None:
    """Piped to a server that lets values be cut and has another clock, it must do the same."""
    script = await alembic("-x", "shard=1", "upgrade", "s0002", "--sql")

    def run_script(connection: Connection) -> Any:
        connection.exec_driver_sql("SET time_zone = '+09:00', sql_mode = ''")
        for statement in script.split(";\n"):
            if lines := [line for line in statement.splitlines() if line and not line.startswith("--")]:
                connection.exec_driver_sql("\n".join(lines))
        return connection.exec_driver_sql(
            "SELECT @@time_zone, FIND_IN_SET('STRICT_TRANS_TABLES', @@sql_mode) > 0"
        ).one()

    assert tuple(await ask(shards[0], run_script)) == ("+00:00", 1)


# New revisions


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of one's own with a copy of the revisions."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "alembic", folder / "alembic", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "alembic.ini", folder)
    return folder


async def test_a_revision_is_made_from_the_models(
    project: Path, global_target: Target, shards: list[Target], ask: Ask
) -> None:
    env = project / "alembic" / "env.py"
    env.write_text(
        env.read_text().replace("environment.run(context)", "import own\nenvironment.run(context)")
    )
    (project / "own.py").write_text(OWN_TABLE)
    outcomes = Shell(project, global_target.url)(
        "-x shard=1 upgrade head",
        "-x shard=1 check",
        "-x shard=1 revision --autogenerate -m 'own notes' --head shard@head",
        "-x shard=1 upgrade head",
        "-x shard=1 check",
    )
    assert [code for code, _ in outcomes] == [0, -1, 0, 0, 0], outcomes
    assert "New upgrade operations" in outcomes[1][1]
    assert "No new upgrade operations" in outcomes[4][1]

    head = expected_head(Branch.SHARD)
    new = f"s{int(head[1:]) + 1:04d}"
    written = (project / "alembic" / "versions" / "shard" / f"{new}_own_notes.py").read_text()
    assert f"down_revision = '{head}'" in written
    assert "shardwise.schema.types.ExactDecimal(" in written
    assert "shardwise.schema.columns.current_moment(on_update=True)" in written
    assert "own_notes" in await tables(ask, shards[0])


OWN_TABLE = """
from sqlalchemy import Column, Index, String, Table
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

Table(
    "own_notes",
    ShardBase.metadata,
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("id", String(32), primary_key=True),
    Column("price", ExactDecimal(15, 4), nullable=False),
    Column("changed_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    Index("ix_own_notes_price", "price"),
)

"""


@on_sqlite
async def test_a_revision_is_made_from_one_database(
    project: Path, global_target: Target, shards: list[Target]
) -> None:
    ((code, message),) = Shell(project, global_target.url)("-x shard=all revision --autogenerate -m many")
    assert code == -1
    assert "name one shard" in message


@on_sqlite
async def test_an_empty_revision_needs_no_database(project: Path, global_target: Target) -> None:
    command = "revision -m 'by hand' --head global@head --rev-id g9999"
    assert Shell(project, global_target.url)(command)[0][0] == 0
    assert (project / "alembic" / "versions" / "global" / "g9999_by_hand.py").exists()


async def test_check_sees_a_difference(
    alembic: Commands, shards: list[Target], make_head: MakeHead, ask: Ask
) -> None:
    await make_head(shards[0])
    statement = "ALTER TABLE table_transactions ADD COLUMN note TEXT"
    await ask(shards[0], lambda connection: connection.execute(text(statement)))
    assert "note" in await alembic.refused("-x", "shard=1", "check")


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_check_sees_other_types(
    alembic: Commands, shards: list[Target], make_head: MakeHead, ask: Ask
) -> None:
    await make_head(shards[0])
    kinds = (
        "MODIFY created_at DATETIME NOT NULL",
        "MODIFY status ENUM('pending') NOT NULL",
        "MODIFY account_db_key BIGINT NOT NULL",
    )
    change = f"ALTER TABLE table_transactions {', '.join(kinds)}"
    await ask(shards[0], lambda connection: connection.execute(text(change)))
    message = await alembic.refused("-x", "shard=1", "check")
    differences = re.findall(r"'modify_type', None, 'table_transactions', '(\w+)'", message)
    assert sorted(differences) == ["account_db_key", "created_at", "status"]


async def test_both_branches_in_one_database_don_t_propose_to_drop_each_other(
    alembic: Commands, shards: list[Target], make_head: MakeHead, ask: Ask
) -> None:
    await make_head(shards[0])
    other = Branch.GLOBAL.metadata
    await ask(shards[0], lambda c: other.create_all(c, tables=[other.tables["table_accountid"]]))
    assert "table_accountid" in await tables(ask, shards[0])
    assert "No new upgrade operations" in await alembic("-x", "shard=1", "check")
