"""`shardwise shards` on real databases."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.engine import make_url
from typer.testing import Result

from shardwise.cli import databases, joining
from shardwise.cli.joining import Joining, join, upgrade_shard
from shardwise.config import Settings
from shardwise.database import ShardedDatabase
from shardwise.errors import TopologyError
from shardwise.schema.control import ShardConfig, ShardStats, ShardStatus
from shardwise.topology.registry import NewShard
from shardwise.topology.revision import read_revision

Errors = Callable[[Result], str]
on_sqlite = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
on_mariadb = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)


def is_file(address: str) -> bool:
    return Path(address.removeprefix("sqlite+aiosqlite:///")).exists()


def make_file(address: str) -> None:
    if "sqlite" in address:
        file = Path(address.removeprefix("sqlite+aiosqlite:///"))
        file.parent.mkdir()
        file.touch()


async def configured(db: ShardedDatabase) -> dict[int, ShardConfig]:
    async with db.global_session(read_only=True) as session:
        return {row.shard_id: row for row in await session.scalars(select(ShardConfig))}


async def statistics(db: ShardedDatabase) -> dict[int, int]:
    async with db.global_session(read_only=True) as session:
        return {row.shard_id: row.user_count for row in await session.scalars(select(ShardStats))}


async def test_list_shows_addresses_without_secrets(cli: Any, secret: str | None) -> None:
    shards = await cli.json("shards", "list")
    assert [(shard["shard_id"], shard["name"], shard["status"]) for shard in shards] == [
        (1, "shard_1", "active"),
        (2, "shard_2", "active"),
    ]
    shown = (await cli.run("shards", "list")).stdout
    assert shards[0]["address"] in shown
    assert secret is None or secret not in shown + str(shards)


async def test_list_names_a_row_that_cannot_be_used(cli: Any, db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        unusable = {"driver": "oracle", "host": "h", "port": 1}
        await session.execute(update(ShardConfig).where(ShardConfig.shard_id == 1).values(unusable))
    first, second = await cli.json("shards", "list")
    assert "oracle" in first["problem"]
    assert second["problem"] is None


async def test_added_shard_is_migrated_configured_and_counted(
    cli: Any, db: ShardedDatabase, new_url: Any, secret: str | None
) -> None:
    result = await cli.run(
        "shards", "add", "7", "--url", new_url("seven"), "--upgrade", "--create-database",
        "--name", "west", "--weight", "3", "--region", "eu",
    )  # fmt: skip
    assert "Added shard 7 (west), active" in result.stdout
    assert secret is None or secret not in result.stdout
    row = (await configured(db))[7]
    assert (row.shard_name, row.weight, row.region, row.status) == ("west", 3, "eu", ShardStatus.ACTIVE)
    assert (await statistics(db))[7] == 0
    await db.topology.refresh()
    manager = await db.topology.manager(7)
    assert await read_revision(manager) == await read_revision(await db.topology.manager(1))
    db.assignment.register("always_seven", lambda new: 7)
    assert (await db.place_account(1234)).shard_id == 7


async def test_unmigrated_database_does_not_become_active(
    cli: Any, db: ShardedDatabase, new_url: Any, errors: Errors
) -> None:
    address = new_url("later")
    add = ("shards", "add", "3", "--url", address, "--create-database")
    make_file(address)
    line = errors(await cli.run(*add, code=1))
    assert "not migrated" in line
    assert "--upgrade" in line
    assert 3 not in await configured(db)
    assert 3 not in await statistics(db)
    await cli.run(*add, "--status", "maintenance")
    assert "has not been migrated" in errors(await cli.run("shards", "set-status", "3", "active", code=1))
    await cli.run("upgrade")
    await cli.run("shards", "set-status", "3", "active")
    assert (await configured(db))[3].status is ShardStatus.ACTIVE


async def test_database_that_is_not_there_is_not_made_unasked(
    cli: Any, db: ShardedDatabase, new_url: Any, errors: Errors
) -> None:
    address = new_url("absent")
    line = errors(await cli.run("shards", "add", "3", "--url", address, code=1))
    assert "there is no database" in line
    assert 3 not in await configured(db)
    assert not is_file(address)


async def test_database_that_cannot_be_migrated_is_not_configured(
    cli: Any, db: ShardedDatabase, new_url: Any, errors: Errors
) -> None:
    address = new_url("of_another_fleet")
    await cli.run("--url", address, "recreate", "--yes-delete-everything", SHARDWISE_ENVIRONMENT="test")
    line = errors(await cli.run("shards", "add", "3", "--url", address, "--upgrade", code=1))
    assert "is a database of the global branch" in line
    assert 3 not in await configured(db)
    assert 3 not in await statistics(db)


@pytest.mark.parametrize(("which", "name"), [(None, "global database"), (1, "shard 1 (shard_1)")])
async def test_database_that_is_configured_already(
    cli: Any, db: ShardedDatabase, errors: Errors, which: int | None, name: str
) -> None:
    url = db.global_manager.url if which is None else db.topology.shards[which].url
    address = url.render_as_string(hide_password=False)
    line = errors(await cli.run("shards", "add", "3", "--url", address, "--upgrade", code=1))
    assert f"is the {name} already" in line
    assert 3 not in await configured(db)


async def test_one_database_added_twice_at_once_becomes_one_shard(
    cli: Any, db: ShardedDatabase, new_url: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = make_url(new_url("twice"))
    other = address.set(host="localhost") if address.host else address
    await databases.create(address)
    both_have_compared = asyncio.Barrier(2)

    async def upgrade_together(settings: Settings, shard: NewShard) -> None:
        await both_have_compared.wait()
        await upgrade_shard(settings, shard)

    monkeypatch.setattr(joining, "upgrade_shard", upgrade_together)
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(ShardedDatabase.from_url(cli.url)) for _ in range(2)]
        shards = [NewShard(shard_id=n, name=f"s{n}", url=url) for n, url in ((3, address), (4, other))]
        results = await asyncio.gather(
            *(join(own, Joining(shard=s, upgrade=True)) for own, s in zip(opened, shards, strict=True)),
            return_exceptions=True,
        )
    (error,) = [result for result in results if isinstance(result, BaseException)]
    assert isinstance(error, TopologyError)
    assert "already; a shard needs a database of its own" in str(error)
    assert len(await configured(db)) == 3


@on_mariadb
async def test_other_host_name_does_not_hide_that_it_is_the_same(
    cli: Any, db: ShardedDatabase, errors: Errors
) -> None:
    url = db.topology.shards[2].url.set(host="localhost")
    line = errors(
        await cli.run("shards", "add", "3", "--url", url.render_as_string(hide_password=False), code=1)
    )
    assert "is the shard 2 (shard_2) already" in line


@on_sqlite
async def test_link_does_not_hide_that_it_is_the_same(
    cli: Any, db: ShardedDatabase, errors: Errors, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(str(db.topology.shards[2].url.database))
    line = errors(await cli.run("shards", "add", "3", "--url", f"sqlite:///{link}", code=1))
    assert "is the shard 2 (shard_2) already" in line


@on_mariadb
async def test_wrong_password_is_said_and_not_shown(cli: Any, db: ShardedDatabase, errors: Errors) -> None:
    url = db.topology.shards[2].url.set(database="other", password="not-the-password")
    line = errors(
        await cli.run("shards", "add", "3", "--url", url.render_as_string(hide_password=False), code=1)
    )
    assert "password is wrong" in line
    assert "not-the-password" not in line


@pytest.mark.parametrize(
    ("arguments", "taken"), [("2 --name x", "shard 2 (shard_2)"), ("9 --name shard_1", "shard 1 (shard_1)")]
)
async def test_taken_number_or_name(
    cli: Any, new_url: Any, errors: Errors, arguments: str, taken: str
) -> None:
    line = errors(
        await cli.run("shards", "add", *arguments.split(), "--url", new_url("x"), "--upgrade", code=1)
    )
    assert taken in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("0", "--url", "sqlite:///x.db"),
        ("3", "--url", "sqlite://"),
        ("3", "--url", "oracle://u:p@h/d"),
        ("3", "--url", "sqlite:///x.db", "--name", "n" * 51),
        ("3", "--url", "sqlite:///x.db", "--weight", "-1"),
        ("3", "--url", "sqlite:///x.db", "--status", "sleepy"),
        ("3",),
    ],
)
@on_sqlite
async def test_arguments_that_cannot_be_used(cli: Any, arguments: tuple[str, ...]) -> None:
    result = await cli.run("shards", "add", *arguments, code=2)
    assert result.stderr
    assert not is_file("x.db")


async def test_status_changes_and_says_what_it_was(cli: Any, db: ShardedDatabase) -> None:
    assert "was active" in (await cli.run("shards", "set-status", "2", "disabled")).stdout
    assert (await configured(db))[2].status is ShardStatus.DISABLED
    assert "as before" in (await cli.run("shards", "set-status", "2", "disabled")).stdout
    await cli.run("shards", "set-status", "2", "active")
    assert (await configured(db))[2].status is ShardStatus.ACTIVE


async def test_shard_that_is_down_becomes_active_only_by_force(
    cli: Any, db: ShardedDatabase, errors: Errors
) -> None:
    down = {"driver": "mysql+asyncmy", "host": "127.0.0.1", "port": 1, "status": "disabled"}
    async with db.global_session() as session:
        await session.execute(update(ShardConfig).where(ShardConfig.shard_id == 2).values(down))
    assert "can't be reached" in errors(await cli.run("shards", "set-status", "2", "active", code=1))
    assert (await configured(db))[2].status is ShardStatus.DISABLED
    await cli.run("shards", "set-status", "2", "active", "--force")
    assert (await configured(db))[2].status is ShardStatus.ACTIVE


async def test_unknown_shard(cli: Any, errors: Errors) -> None:
    for command in (("set-status", "9", "disabled"), ("set-status", "9", "active"), ("check", "9")):
        assert "shard 9 is not in table_shard_config" in errors(await cli.run("shards", *command, code=1))


async def test_check_finds_nothing_wrong(cli: Any, db: ShardedDatabase) -> None:
    await db.place_account(1000)
    one, two = await cli.json("shards", "check")
    assert one["problem"] is None
    assert two["problem"] is None
    assert one["accounts"] + two["accounts"] == 1
    assert [check["shard_id"] for check in await cli.json("shards", "check", "2")] == [2]


async def test_check_finds_two_rows_for_one_database(cli: Any, db: ShardedDatabase) -> None:
    rows = await configured(db)
    async with db.global_session() as session:
        same = {"database_name": rows[1].database_name, "status": "disabled"}
        await session.execute(update(ShardConfig).where(ShardConfig.shard_id == 2).values(same))
    one, two = await cli.json("shards", "check", code=1)
    assert "same database as the shard 2" in one["problem"]
    assert "same database as the shard 1" in two["problem"]


async def test_check_finds_another_revision(cli: Any, db: ShardedDatabase) -> None:
    async with db.shard_session(1) as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 's0003'"))
    one, two = await cli.json("shards", "check", code=1)
    assert one["problem"].startswith("s0003, expected")
    assert two["problem"] is None


async def test_recount_corrects_the_statistics(cli: Any, db: ShardedDatabase) -> None:
    placement = await db.place_account(1000)
    async with db.global_session() as session:
        await session.execute(update(ShardStats).values(user_count=41))
    counts = {entry["shard_id"]: entry for entry in await cli.json("shards", "recount")}
    assert counts[placement.shard_id] == {"shard_id": placement.shard_id, "before": 41, "after": 1}
    assert sum((await statistics(db)).values()) == 1
