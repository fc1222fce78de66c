"""`shardwise status` and `shardwise accounts` on real databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from typer.testing import Result

from shardwise.database import ShardedDatabase
from shardwise.schema.control import ShardConfig, ShardStatus

Errors = Callable[[Result], str]


def make_file(address: str) -> None:
    if "sqlite" in address:
        Path(address.removeprefix("sqlite+aiosqlite:///")).touch()


async def configure(db: ShardedDatabase, shard_id: int, **columns: object) -> None:
    async with db.global_session() as session:
        await session.execute(update(ShardConfig).where(ShardConfig.shard_id == shard_id).values(columns))


def by_shard(answer: Any) -> dict[int | None, Any]:
    return {entry["shard_id"]: entry for entry in answer["databases"]}


async def test_all_up_and_at_head(cli: Any, db: ShardedDatabase) -> None:
    answer = await cli.json("status")
    assert answer["ok"] is True
    assert [entry["shard_id"] for entry in answer["databases"]] == [None, 1, 2]
    for entry in answer["databases"]:
        assert entry["status"] == "up"
        assert entry["revision"] == entry["expected"]
        assert entry["latency_ms"] > 0
        assert entry["pool_limit"] == 30
        assert entry["problem"] is None


async def test_table_names_every_database_and_no_secret(cli: Any, secret: str | None) -> None:
    shown = (await cli.run("status")).stdout
    assert "global database" in shown
    assert "shard 1 (shard_1)" in shown
    assert secret is None or secret not in shown


async def test_another_revision_is_named_and_fails(cli: Any, db: ShardedDatabase) -> None:
    async with db.shard_session(2) as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 's0001'"))
    answer = await cli.json("status", code=1)
    assert answer["ok"] is False
    shards = by_shard(answer)
    assert shards[1]["problem"] is None
    assert shards[2]["revision"] == "s0001"
    assert "run `shardwise upgrade`" in shards[2]["problem"]


async def test_shard_that_cannot_be_reached_fails_alone(cli: Any, db: ShardedDatabase) -> None:
    await configure(
        db, 1, driver="mysql+asyncmy", host="127.0.0.1", port=1, database_name="nowhere", username="nobody"
    )
    shards = by_shard(await cli.json("status", code=1))
    assert shards[1]["status"] == "down"
    assert "can't be reached" in shards[1]["problem"]
    assert shards[2]["status"] == "up"


async def test_row_that_cannot_be_used_fails_alone(cli: Any, db: ShardedDatabase) -> None:
    await configure(db, 1, driver="oracle", host="h", port=1)
    shards = by_shard(await cli.json("status", code=1))
    assert "oracle" in shards[1]["problem"]
    assert shards[2]["status"] == "up"


async def test_missing_file_is_reported_and_not_made(cli: Any, db: ShardedDatabase, tmp_path: Path) -> None:
    file = tmp_path / "not_there.db"
    await configure(db, 1, driver="sqlite+aiosqlite", database_name=str(file))
    shards = by_shard(await cli.json("status", code=1))
    assert "not_there.db" in shards[1]["problem"]
    assert not file.exists()


@pytest.mark.parametrize("status", [ShardStatus.MAINTENANCE, ShardStatus.DISABLED])
async def test_what_the_operator_set_is_no_failure(
    cli: Any, db: ShardedDatabase, status: ShardStatus
) -> None:
    await configure(db, 2, status=status)
    shards = by_shard(await cli.json("status"))
    assert shards[2]["status"] == status
    assert (shards[2]["revision"] is None) is (status is ShardStatus.DISABLED)


async def test_missing_global_file_is_not_made(cli: Any, tmp_path: Path, errors: Errors) -> None:
    file = tmp_path / "nothing.db"
    result = await cli.run("--url", f"sqlite:///{file}", "status", code=1)
    assert "shardwise upgrade" in errors(result)
    assert result.stdout == ""
    assert not file.exists()


async def test_empty_global_database_is_named(cli: Any, database_url: str) -> None:
    make_file(database_url)
    answer = await cli.json("--url", database_url, "status", code=1)
    assert answer["ok"] is False
    assert answer["databases"][0]["problem"].startswith("not migrated")


async def test_setting_that_cannot_be_used_is_a_usage_error(cli: Any, errors: Errors) -> None:
    assert "DATABASE_POOL_SIZE" in errors(await cli.run("status", code=2, DATABASE_POOL_SIZE="0"))


async def test_url_that_is_none_is_not_repeated(cli: Any, errors: Errors) -> None:
    line = errors(await cli.run("--url", "postgres//user:hidden@host", "status", code=2))
    assert "not a database URL" in line
    assert "hidden" not in line


async def test_where_an_account_lives(cli: Any, db: ShardedDatabase) -> None:
    placement = await db.place_account(1000)
    answer = await cli.json("accounts", "where", "1000")
    assert answer == {
        "account_db_key": 1000,
        "shard_id": placement.shard_id,
        "shard_name": f"shard_{placement.shard_id}",
        "shard_status": "active",
        "epoch": 1,
        "state": placement.state,
    }
    assert "1000" in (await cli.run("accounts", "where", "1000")).stdout


async def test_unknown_account(cli: Any, errors: Errors) -> None:
    result = await cli.run("accounts", "where", "4711", "--json", code=1)
    assert "account 4711 has no row" in errors(result)
    assert result.stdout == ""


@pytest.mark.parametrize("key", ["abc", "-1", str(1 << 64)])
async def test_key_that_is_none(cli: Any, key: str) -> None:
    await cli.run("accounts", "where", "--", key, code=2)
