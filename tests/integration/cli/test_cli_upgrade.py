"""`shardwise upgrade` and `shardwise recreate` on real databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.engine import URL, make_url
from typer.testing import Result

from shardwise.cli.databases import create, table_names
from shardwise.database import ShardedDatabase
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.migrations.branches import Branch, expected_head
from shardwise.migrations.runner import current_revision, downgrade
from shardwise.migrations.targets import Target
from shardwise.schema.base import GlobalBase, ShardBase
from shardwise.schema.control import ShardConfig, ShardMapping, ShardStats, ShardStatus
from shardwise.security.passwords import PasswordHasher
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.registry import NewShard, add_shard

Errors = Callable[[Result], str]
on_mariadb = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
on_sqlite = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)

BEFORE = "s0018"
HEAD = expected_head(Branch.SHARD)


def is_file(address: str) -> bool:
    return Path(address.removeprefix("sqlite+aiosqlite:///")).exists()


def target(db: ShardedDatabase, shard_id: int) -> Target:
    return Target.shard(shard_id, db.topology.shards[shard_id].url)


async def take_back(db: ShardedDatabase) -> None:
    for shard_id in (1, 2):
        await downgrade(target(db, shard_id), BEFORE)


def results(answer: Any) -> dict[str, str]:
    return {entry["name"]: entry["result"] for entry in answer["databases"]}


async def run_ddl(url: URL, statement: str) -> None:
    manager = DatabaseManager(url)
    async with manager.session() as session:
        await session.execute(text(statement))
    await manager.close()


async def make_table(url: URL, name: str) -> None:
    await run_ddl(url, f"CREATE TABLE {name} (id INTEGER)")


async def test_stale_shards_are_upgraded_once(cli: Any, db: ShardedDatabase) -> None:
    await take_back(db)
    answer = await cli.json("upgrade", "--jobs", "2")
    assert results(answer) == {"global": "unchanged", "shard 1": "upgraded", "shard 2": "upgraded"}
    assert [entry["before"] for entry in answer["databases"]][1:] == [BEFORE, BEFORE]
    assert {await current_revision(target(db, shard_id)) for shard_id in (1, 2)} == {HEAD}
    again = await cli.json("upgrade")
    assert set(results(again).values()) == {"unchanged"}


async def test_after_a_failure_it_goes_on_where_it_stopped(
    cli: Any, db: ShardedDatabase, secret: str | None
) -> None:
    await take_back(db)
    async with db.shard_session(2) as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 's9999'"))
    result = await cli.run("upgrade", code=1)
    assert "shard 2" in result.stderr
    assert "s9999" in result.stderr
    assert "failed" in result.stdout
    assert secret is None or secret not in result.stdout + result.stderr
    assert await current_revision(target(db, 1)) == HEAD
    async with db.shard_session(2) as session:
        await session.execute(text(f"UPDATE alembic_version SET version_num = '{BEFORE}'"))
    answer = await cli.json("upgrade")
    assert results(answer) == {"global": "unchanged", "shard 1": "unchanged", "shard 2": "upgraded"}


@on_sqlite
async def test_canary_that_fails_keeps_the_others_from_harm(cli: Any, db: ShardedDatabase) -> None:
    await take_back(db)
    async with db.shard_session(1) as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 's9999'"))
    answer = await cli.json("upgrade", "--canary", "1", code=1)
    async with db.shard_session(1) as session:
        await session.execute(text(f"UPDATE alembic_version SET version_num = '{BEFORE}'"))
    assert results(answer)["shard 1"] == "failed"
    assert await current_revision(target(db, 2)) == BEFORE
    assert set(results(await cli.json("upgrade", "--canary", "1")).values()) == {"unchanged", "upgraded"}


@on_mariadb
async def test_dry_run_prints_sql_and_changes_nothing(cli: Any, db: ShardedDatabase) -> None:
    await take_back(db)
    printed = (await cli.run("upgrade", "--dry-run")).stdout
    assert "-- global: nothing to do" in printed
    assert f"version_num='{HEAD}'" in printed.replace(" ", "")
    entries = await cli.json("upgrade", "--dry-run")
    assert [bool(entry["sql"]) for entry in entries] == [False, True, True]
    assert await current_revision(target(db, 1)) == BEFORE
    await cli.run("upgrade")


@on_sqlite
async def test_revision_goes_to_its_own_branch_only(cli: Any, db: ShardedDatabase) -> None:
    await take_back(db)
    answer = await cli.json("upgrade", "--revision", HEAD)
    assert results(answer) == {"shard 1": "upgraded", "shard 2": "upgraded"}


async def test_dry_run_before_anything_is_there(cli: Any, database_url: str) -> None:
    result = await cli.run("--url", database_url, "upgrade", "--dry-run")
    assert "CREATE TABLE" in result.stdout
    assert "table_shard_config" in result.stdout
    assert "not been migrated" in result.stderr
    assert not is_file(database_url)


@on_sqlite
async def test_arguments_that_cannot_be_used(cli: Any, errors: Errors) -> None:
    assert "'s7777'" in (await cli.run("upgrade", "--revision", "s7777", code=2)).stderr
    assert "id 9" in errors(await cli.run("upgrade", "--canary", "9", code=1))
    await cli.run("upgrade", "--jobs", "0", code=2)


async def test_upgrade_of_an_empty_database_makes_the_global_tables_only(cli: Any, database_url: str) -> None:
    answer = await cli.json("--url", database_url, "upgrade")
    assert results(answer) == {"global": "upgraded"}
    assert await table_names(make_url(database_url)) == {"alembic_version", *GlobalBase.metadata.tables}


@pytest.mark.parametrize(
    ("engine_kind", "left"),
    [("sqlite", "nothing"), ("sqlite", "an empty database"), ("mariadb", "an empty database")],
    indirect=["engine_kind"],
)
async def test_shard_that_lost_its_database_is_not_made_anew(
    cli: Any, db: ShardedDatabase, new_url: Any, errors: Errors, left: str
) -> None:
    address = make_url(new_url("lost"))
    await create(address)
    if left != "nothing":
        await make_table(address, "gone")
        await run_ddl(address, "DROP TABLE gone")
    await add_shard(db.global_manager, NewShard(shard_id=3, name="three", url=address))
    async with db.global_session() as session:
        session.add(ShardMapping(account_db_key=77, shard_id=3))
    line = errors(await cli.run("upgrade", code=1))
    assert "shard 3 holds no tables, but accounts live on it" in line
    assert left != "nothing" or not is_file(str(address))
    assert await current_revision(Target.shard(3, address)) is None
    async with db.global_session() as session:
        await session.delete(await session.get_one(ShardMapping, 77))
    assert results(await cli.json("upgrade"))["shard 3"] == "upgraded"


# recreate


async def sign_up(db: ShardedDatabase) -> int:
    with PasswordHasher(memory_kib=8, time_cost=1) as hasher:
        request = SignUp(account_id="ann", password="secret", nickname="Ann")
        return (await IdentityService(db, hasher=hasher).sign_up(request)).account_db_key


async def count(db: ShardedDatabase, model: type[Any]) -> int:
    async with db.global_session(read_only=True) as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("environment", [None, "production"])
async def test_recreate_refuses_production(
    cli: Any, db: ShardedDatabase, errors: Errors, environment: str | None
) -> None:
    await sign_up(db)
    variables = {} if environment is None else {"SHARDWISE_ENVIRONMENT": environment}
    result = await cli.run("recreate", "--yes-delete-everything", code=2, **variables)
    assert "environment is production" in errors(result)
    assert await count(db, ShardMapping) == 1


async def test_recreate_needs_to_be_told(cli: Any, db: ShardedDatabase, errors: Errors) -> None:
    await sign_up(db)
    line = errors(await cli.run("recreate", code=2, SHARDWISE_ENVIRONMENT="test"))
    assert "nothing was deleted" in line
    assert await count(db, ShardMapping) == 1


async def test_recreate_refuses_a_global_database_of_somebody_else(
    cli: Any, new_url: Any, errors: Errors
) -> None:
    address = make_url(new_url("precious"))
    await create(address)
    await make_table(address, "precious")
    options = ("--url", address.render_as_string(hide_password=False), "recreate", "--yes-delete-everything")
    line = errors(await cli.run(*options, code=2, SHARDWISE_ENVIRONMENT="development"))
    assert "no global database of shardwise" in line
    assert await table_names(address) == {"precious"}


@pytest.mark.parametrize("is_global_database", [False, True])
async def test_recreate_deletes_nothing_if_one_shard_is_of_somebody_else(
    cli: Any, db: ShardedDatabase, new_url: Any, errors: Errors, is_global_database: bool
) -> None:
    address = make_url(new_url("precious"))
    await create(address)
    await make_table(address, "precious")
    if is_global_database:
        for name in ("alembic_version", "table_shard_config"):
            await make_table(address, name)
    before = await table_names(address)
    shard = NewShard(shard_id=3, name="three", url=address, status=ShardStatus.MAINTENANCE)
    await add_shard(db.global_manager, shard)
    await sign_up(db)
    result = await cli.run("recreate", "--yes-delete-everything", code=2, SHARDWISE_ENVIRONMENT="test")
    assert "no shard database of shardwise" in errors(result)
    assert await table_names(address) == before
    assert await count(db, ShardMapping) == 1


async def test_recreate_empties_everything_but_the_shards_configuration(
    cli: Any, db: ShardedDatabase
) -> None:
    key = await sign_up(db)
    shard_id = (await db.where(key)).shard_id
    async with db.shard_session(shard_id) as session:
        await session.execute(text("CREATE TABLE of_a_developer (id INTEGER)"))
    async with db.global_session() as session:
        facts = {"weight": 5, "region": "eu", "status": "disabled"}
        await session.execute(update(ShardConfig).where(ShardConfig.shard_id == 2).values(facts))
    await db.close()
    await cli.run("recreate", "--yes-delete-everything", SHARDWISE_ENVIRONMENT="development")
    await db.topology.refresh()
    assert await count(db, ShardMapping) == 0
    assert await count(db, ShardStats) == 2
    second = db.topology.shards[2]
    assert (second.weight, second.region, second.status) == (5, "eu", "disabled")
    for shard in db.topology.shards.values():
        assert await table_names(shard.url) == {"alembic_version", *ShardBase.metadata.tables}


async def test_recreate_builds_what_was_never_there(cli: Any, new_url: Any) -> None:
    address = new_url("fresh")
    await cli.run("--url", address, "recreate", "--yes-delete-everything", SHARDWISE_ENVIRONMENT="test")
    assert (await cli.json("--url", address, "status"))["ok"] is True
