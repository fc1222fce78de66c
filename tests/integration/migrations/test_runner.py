"""Migrating from a program: interrupted, side by side, refused, with an application's own revisions."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from shardwise.errors import MigrationError, MigrationLockedError, MigrationTargetError
from shardwise.migrations.branches import Branch, alembic_config, expected_head, script_location
from shardwise.migrations.locks import lock_name
from shardwise.migrations.runner import (
    MigrationOptions,
    current_revision,
    downgrade,
    stamp,
    upgrade,
    upgrade_sql,
)
from shardwise.migrations.targets import Target
from shardwise.migrations.workers import upgrade_in_processes
from shardwise.topology.engines import create_engine

Ask = Callable[[Target, Callable[[Connection], Any]], Awaitable[Any]]
MakeTarget = Callable[[Branch], Target]
on_mariadb = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
on_sqlite = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)


async def run(ask: Ask, target: Target, *statements: str) -> None:
    def each(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    await ask(target, each)


async def test_results_say_what_happened(global_target: Target) -> None:
    target = global_target
    head = expected_head(target.branch)
    first = await upgrade(target)
    assert (first.name, first.branch, first.shard_id) == (target.name, target.branch, target.shard_id)
    assert (first.before, first.after, first.error) == (None, head, None)
    assert first.seconds > 0
    again = await upgrade(target)
    assert (again.before, again.after) == (head, head)
    back = await downgrade(target, "-1")
    assert back.before == head != back.after == await current_revision(target)
    stamped = await stamp(target, head)
    assert (stamped.before, stamped.after) == (back.after, head)


async def test_sql_of_an_upgrade(global_target: Target, ask: Ask) -> None:
    target = global_target
    await upgrade(target, f"{target.branch[0]}0002")
    script = await upgrade_sql(target)
    head = expected_head(target.branch)
    assert f"UPDATE alembic_version SET version_num='{head}'" in script
    assert "CREATE TABLE alembic_version" not in script
    assert await current_revision(target) == f"{target.branch[0]}0002"
    await upgrade(target)
    assert await upgrade_sql(target) == ""


@on_sqlite
async def test_looking_at_a_missing_file_does_not_make_it(make_target: MakeTarget, tmp_path: Path) -> None:
    target = make_target(Branch.GLOBAL)
    assert await current_revision(target) is None
    assert os.listdir(tmp_path) == []


# Interrupted and broken

LAST_OF_ITS_OWN_TABLE = {Branch.GLOBAL: "g0010", Branch.SHARD: "s0019"}
"""The last revision before those that change a table that another one has changed."""


@on_mariadb
async def test_each_revision_can_be_run_again_after_a_crash_before_it_was_recorded(
    target: Target, ask: Ask
) -> None:
    """Up to here a table is changed by one revision only, so that all of them can be repeated at once."""
    first, head = f"{target.branch[0]}0001", LAST_OF_ITS_OWN_TABLE[target.branch]
    await upgrade(target, first)
    old = await ask(target, definitions)
    await upgrade(target, head)
    new = await ask(target, definitions)
    await run(ask, target, f"UPDATE alembic_version SET version_num = '{first}'")
    assert (await upgrade(target, head)).before == first
    assert await ask(target, definitions) == new

    await downgrade(target, first)
    again = await ask(target, definitions)
    assert {name: parts(again[name]) for name in again} == {name: parts(old[name]) for name in old}
    await run(ask, target, f"UPDATE alembic_version SET version_num = '{head}'")
    assert (await downgrade(target, first)).before == head
    assert await ask(target, definitions) == again


@on_mariadb
async def test_later_revisions_can_be_run_again_one_by_one(make_target: MakeTarget, ask: Ask) -> None:
    """Those that change a table again: each is repeated as after a crash before it was recorded."""
    target = make_target(Branch.SHARD)
    before = LAST_OF_ITS_OWN_TABLE[Branch.SHARD]
    await upgrade(target, before)
    states = {before: await ask(target, definitions)}
    while before != expected_head(Branch.SHARD):
        after = f"s{int(before[1:]) + 1:04}"
        await upgrade(target, after)
        states[after] = await ask(target, definitions)
        await run(ask, target, f"UPDATE alembic_version SET version_num = '{before}'")
        assert (await upgrade(target, after)).before == before
        assert await ask(target, definitions) == states[after]
        before = after
    *earlier, after = states
    for before in reversed(earlier):
        await downgrade(target, before)
        again = await ask(target, definitions)
        assert {n: parts(again[n]) for n in again} == {n: parts(states[before][n]) for n in again}
        await run(ask, target, f"UPDATE alembic_version SET version_num = '{after}'")
        assert (await downgrade(target, before)).before == after
        assert await ask(target, definitions) == again
        after = before


def definitions(connection: Connection) -> dict[str, str]:
    names = inspect(connection).get_table_names()
    return {n: connection.execute(text(f"SHOW CREATE TABLE `{n}`")).one()[1] for n in names}


@on_mariadb
async def test_the_first_revision_goes_on_where_it_stopped(target: Target, ask: Ask) -> None:
    await upgrade(target, f"{target.branch[0]}0001")
    whole = await ask(target, definitions)
    last = {Branch.GLOBAL: "table_user_profiles", Branch.SHARD: "saga_steps"}[target.branch]
    table, index = {
        Branch.GLOBAL: ("table_accountid", "idx_email"),
        Branch.SHARD: ("outbox_events", "idx_event_type"),
    }[target.branch]
    await run(
        ask,
        target,
        "DELETE FROM alembic_version",
        f"DROP TABLE {last}",
        f"ALTER TABLE {table} DROP INDEX {index}",
    )
    await upgrade(target, f"{target.branch[0]}0001")
    repaired = await ask(target, definitions)
    assert parts(repaired[table]) == parts(whole[table])
    assert repaired[last] == whole[last]


def parts(definition: str) -> list[str]:
    return sorted(line.strip(" ,") for line in definition.splitlines())


@pytest.fixture
def own_location(tmp_path: Path) -> Path:
    """An application's own Alembic folder; the second revision of its global branch fails."""
    folder = tmp_path / "app" / "alembic"
    for branch in Branch:
        (folder / "versions" / branch).mkdir(parents=True)
    (folder / "env.py").write_text(
        "from alembic import context\n"
        "from shardwise.migrations import environment\n"
        "environment.run(context)\n"
    )
    (folder / "versions" / "global" / "1.py").write_text(
        OWN_REVISION.format(
            revision="a1",
            down=None,
            label=("global",),
            body="op.create_table('own_things', sa.Column('id', sa.Integer, primary_key=True))",
        )
    )
    (folder / "versions" / "global" / "2.py").write_text(
        OWN_REVISION.format(
            revision="a2",
            down="a1",
            label=None,
            body="op.add_column('own_things', sa.Column('n', sa.Integer))"
            "\n    op.execute('SELECT * FROM nowhere')",
        )
    )
    (folder / "versions" / "shard" / "1.py").write_text(
        OWN_REVISION.format(
            revision="b1",
            down=None,
            label=("shard",),
            body="print('a revision that prints')",
        )
    )
    return folder


OWN_REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = {revision!r}, {down!r}, {label!r}, None

def upgrade():
    {body}

def downgrade():
    pass
"""


async def test_own_revisions_and_a_broken_one(
    make_target: MakeTarget, own_location: Path, ask: Ask, engine_kind: str
) -> None:
    target, options = make_target(Branch.GLOBAL), MigrationOptions(script_location=own_location)
    assert expected_head(Branch.GLOBAL, own_location) == "a2"
    with pytest.raises(MigrationError) as failure:
        await upgrade(target, options=options)
    message = str(failure.value)
    assert message.startswith("global: upgrade a1 -> a2")
    tables = await ask(target, lambda connection: inspect(connection).get_table_names())
    if engine_kind == "sqlite":
        assert "Nothing was changed" in message
        assert (tables, await current_revision(target)) == ([], None)
    else:
        assert "1 before it stay applied" in message
        assert "run the same command again" in message
        assert (sorted(tables), await current_revision(target)) == (["alembic_version", "own_things"], "a1")


@on_sqlite
async def test_rows_that_refer_to_nothing_are_named(global_target: Target) -> None:
    await upgrade(global_target, "g0001")
    with closing(sqlite3.connect(str(global_target.url.database))) as unchecked:
        unchecked.execute("INSERT INTO table_user_profiles (account_db_key) VALUES (5)")
        unchecked.commit()
    with pytest.raises(
        MigrationError, match="rows of table_user_profiles refer to rows of table_accountid that don't exist"
    ):
        await upgrade(global_target)
    assert await current_revision(global_target) == "g0001"


@on_sqlite
async def test_a_column_that_nobody_knows_is_not_lost(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0001")
    await run(ask, target, "ALTER TABLE table_transactions ADD COLUMN note TEXT")
    with pytest.raises(
        MigrationError, match="has columns that this revision doesn't know and would lose: note"
    ):
        await upgrade(target)
    assert await current_revision(target) == "s0001"


async def test_two_accounts_with_one_address_stop_the_upgrade(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.GLOBAL)
    await upgrade(target, "g0001")
    account = (
        "INSERT INTO table_accountid (account_id, password_hash, nickname, email)"
        " VALUES ('{0}', 'x', 'x', 'same@example.org')"
    )
    await run(ask, target, account.format("a"), account.format("b"))
    with pytest.raises(MigrationError, match="have the same platform_type, email"):
        await upgrade(target)
    assert await current_revision(target) == "g0001"
    await run(ask, target, "UPDATE table_accountid SET email = NULL WHERE account_id = 'b'")
    assert (await upgrade(target)).after == expected_head(Branch.GLOBAL)


@on_mariadb
async def test_a_foreign_key_that_some_shards_have_does_not_stop_the_upgrade(
    make_target: MakeTarget, ask: Ask
) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0001")
    await run(
        ask,
        target,
        "ALTER TABLE table_chat_messages ADD FOREIGN KEY (room_id) REFERENCES table_chat_rooms (room_id)"
        " ON DELETE CASCADE",
    )
    assert (await upgrade(target)).after == expected_head(Branch.SHARD)


@on_mariadb
async def test_a_shard_without_transactions_gets_them(make_target: MakeTarget, ask: Ask) -> None:
    target, twin = make_target(Branch.SHARD), make_target(Branch.SHARD)
    await upgrade(target, "s0001")
    await run(ask, target, "DROP TABLE table_transactions", "DELETE FROM alembic_version")
    await stamp(target, "s0001")
    await upgrade(target)
    await upgrade(twin)
    assert await ask(target, definitions) == await ask(twin, definitions)


async def test_a_table_of_the_same_name_and_another_shape_is_refused(
    make_target: MakeTarget, ask: Ask
) -> None:
    target = make_target(Branch.SHARD)
    await run(ask, target, "CREATE TABLE outbox_events (id INTEGER PRIMARY KEY, mine INTEGER)")
    with pytest.raises(MigrationError, match="a table outbox_events exists and has other columns") as failure:
        await upgrade(target)
    assert "mine" in str(failure.value)


# One upgrader a database


async def test_another_upgrader_is_waited_for_and_then_refused(
    global_target: Target, engine_kind: str
) -> None:
    target = global_target
    await upgrade(target, f"{target.branch[0]}0001")
    engine = create_engine(target.url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.begin()
        if engine_kind == "mariadb":
            name = {"name": lock_name(str(target.url.database))}
            assert await connection.scalar(text("SELECT GET_LOCK(:name, 0)"), name) == 1
        with pytest.raises(MigrationLockedError, match=target.name):
            await upgrade(target, options=MigrationOptions(lock_timeout=0))
        waiting = asyncio.create_task(upgrade(target, options=MigrationOptions(lock_timeout=30)))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    await engine.dispose()
    assert (await waiting).after == expected_head(target.branch)


async def test_two_upgraders_at_once_do_it_once(global_target: Target, ask: Ask) -> None:
    target = global_target
    results: list[Any] = []
    await upgrade_in_processes(
        [target, target], workers=2, options=MigrationOptions(), finished=results.append
    )
    assert [(result.after, result.error) for result in results] == [(expected_head(target.branch), None)] * 2
    versions = text("SELECT COUNT(*) FROM alembic_version")
    assert await ask(target, lambda connection: connection.scalar(versions)) == 1


@on_sqlite
async def test_several_upgrades_in_one_process_do_not_mix(make_target: MakeTarget) -> None:
    targets = [make_target(branch) for branch in (Branch.GLOBAL, Branch.SHARD, Branch.SHARD)]
    results = await asyncio.gather(*map(upgrade, targets))
    assert [result.after for result in results] == [expected_head(target.branch) for target in targets]


# Refused


async def test_the_wrong_branch_is_refused(make_target: MakeTarget) -> None:
    target = make_target(Branch.GLOBAL)
    await upgrade(target, "g0001")
    for attempt in (upgrade, stamp):
        with pytest.raises(MigrationTargetError, match="is a database of the global branch"):
            await attempt(Target.shard(1, target.url), "head")


async def test_a_revision_of_a_later_release_is_named(global_target: Target, ask: Ask) -> None:
    target = global_target
    await upgrade(target, "g0001")
    await run(ask, target, "UPDATE alembic_version SET version_num = 'x9999'")
    with pytest.raises(MigrationError, match="is at revision x9999, which this code doesn't have"):
        await upgrade(target)


@on_mariadb
async def test_a_wrong_password_names_the_shard_and_is_not_repeated(make_target: MakeTarget) -> None:
    url = make_target(Branch.SHARD).url.set(password="Hunter2")
    with pytest.raises(MigrationError, match="shard 7: the user or the password is wrong") as failure:
        await upgrade(Target.shard(7, url))
    assert "Hunter2" not in str(failure.value)


async def test_an_unknown_revision_is_an_error_of_ours(global_target: Target) -> None:
    target = global_target
    with pytest.raises(MigrationError, match=f"{target.name}: Can't locate revision"):
        await upgrade(target, "nothing")


# A connection of one's own


SESSION_STATE = {
    "sqlite": "PRAGMA foreign_keys",
    "mariadb": "SELECT CONCAT(@@lock_wait_timeout, @@sql_notes, IS_FREE_LOCK('{}'))",
}


async def test_a_given_connection_is_used_and_left_as_it_was(global_target: Target, engine_kind: str) -> None:
    config = alembic_config()
    config.attributes["branch"] = "global"
    engine = create_engine(global_target.url, poolclass=NullPool)
    question = text(SESSION_STATE[engine_kind].format(lock_name(str(global_target.url.database))))

    def migrate(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "g0002")

    async with engine.connect() as connection:
        before = await connection.scalar(question)
        await connection.rollback()
        await connection.run_sync(migrate)
        assert not connection.in_transaction()
        assert await connection.scalar(question) == before
    await engine.dispose()
    assert await current_revision(global_target) == "g0002"


async def test_a_given_connection_inside_a_transaction_is_refused(global_target: Target, ask: Ask) -> None:
    config = alembic_config()

    def migrate(connection: Connection) -> None:
        config.attributes.update(connection=connection, target=global_target)
        command.upgrade(config, "head")

    with pytest.raises(MigrationError, match="not inside a transaction"):
        await ask(global_target, migrate)
    assert await current_revision(global_target) is None


async def test_settings_that_are_not_needed_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    target = Target.global_database(make_url(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}"))
    assert (await upgrade(target, "g0001")).after == "g0001"


@on_sqlite
async def test_a_command_inside_an_event_loop_says_what_to_do(target: Target) -> None:
    config = alembic_config()
    config.attributes["target"] = target
    with pytest.raises(MigrationError, match="can't run inside an event loop"):
        command.upgrade(config, "head")


def test_the_shipped_revisions_are_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (script_location() / "versions" / "global" / "g0001_baseline.py").is_file()


async def test_the_rows_that_refer_to_a_rebuilt_table_stay(make_target: MakeTarget, ask: Ask) -> None:
    """SQLite deletes them if foreign keys are on while the table is dropped."""
    target = make_target(Branch.GLOBAL)
    await upgrade(target, "g0001")
    await run(
        ask,
        target,
        "INSERT INTO table_accountid (account_db_key, account_id, password_hash, nickname)"
        " VALUES (1000, 'a', 'b', 'c')",
        "INSERT INTO table_user_profiles (account_db_key) VALUES (1000)",
    )
    await upgrade(target)
    count = text("SELECT COUNT(*) FROM table_user_profiles")
    assert await ask(target, lambda connection: connection.scalar(count)) == 1
    await run(ask, target, "DELETE FROM table_accountid")
    assert await ask(target, lambda connection: connection.scalar(count)) == 0


async def test_paths_with_signs_in_them(tmp_path: Path) -> None:
    folder = tmp_path / "100% of it" / "#1"
    target = Target.shard(1, make_url("sqlite+aiosqlite://").set(database=str(folder / "s.db")))
    assert (await upgrade(target)).after == expected_head(Branch.SHARD)
    assert (folder / "s.db").is_file()


@on_sqlite
async def test_what_an_application_attached_to_a_table_stays(make_target: MakeTarget, ask: Ask) -> None:
    """A rebuilt table takes its indexes and triggers with it; views of it would refuse the change."""
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0001")
    await run(
        ask,
        target,
        "CREATE UNIQUE INDEX own_index ON table_user_accounts (account_number, account_type)",
        "CREATE TRIGGER own_trigger AFTER DELETE ON table_user_accounts"
        " BEGIN DELETE FROM table_transactions WHERE account_db_key = old.account_db_key; END",
        "CREATE VIEW own_view AS SELECT account_db_key FROM table_user_accounts",
    )
    own = text("SELECT name, sql FROM sqlite_master WHERE name LIKE 'own_%' ORDER BY name")
    before = await ask(target, lambda connection: connection.execute(own).all())
    await upgrade(target)
    assert await ask(target, lambda connection: connection.execute(own).all()) == before
    assert len(before) == 3
    assert await ask(target, lambda c: c.execute(text("SELECT * FROM own_view")).all()) == []
