"""The old clock: every old time is shifted once, or the adoption doesn't begin."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from old_checksums import FILLED, checksums
from old_deployment import OldDeployment
from shardwise.errors import MigrationError, MigrationTargetError
from shardwise.migrations.adoption import marker
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.connections import writing
from shardwise.migrations.adoption.deployment import recognise
from shardwise.migrations.adoption.shift import prepare
from shardwise.migrations.runner import upgrade
from shardwise.migrations.targets import Target


def assert_kept(old: OldDeployment, before: dict[str, Any]) -> None:
    for name in old.names:
        after = checksums(old, name)
        changed = {key for key, value in before[name].items() if after[key] != value}
        assert changed <= FILLED, name


@pytest.mark.parametrize(("clock", "minutes"), [("+09:00", 540), ("UTC", 0)])
def test_every_time_is_shifted_and_nothing_else(
    clock: str, minutes: int, adopting: Any, old: OldDeployment
) -> None:
    before = {name: checksums(old, name, minutes=minutes) for name in old.names}
    adopting.run("--clock", clock)
    assert_kept(old, before)


def test_what_cannot_be_computed_stays(adopting: Any, old: OldDeployment) -> None:
    old.execute(
        "global",
        "SET sql_mode = ''",
        "UPDATE table_accountid SET plan_expires_at = 0 WHERE account_db_key = 1000",
        "UPDATE table_accountid SET plan_expires_at = '9999-12-31 23:59:59' WHERE account_db_key = 1001",
        "UPDATE table_accountid SET plan_expires_at = '2023-12-31 20:29:59' WHERE account_db_key = 1002",
        "UPDATE table_accountid SET plan_expires_at = '9999-12-30 20:29:59' WHERE account_db_key = 1003",
        "UPDATE table_user_profiles SET updated_at = NULL WHERE account_db_key = 1000",
    )
    adopting.run("--clock", "-03:30")
    found = old.execute(
        "global", "SELECT plan_expires_at FROM table_accountid ORDER BY account_db_key LIMIT 4"
    )
    assert [row[0] for row in found] == [
        None,
        datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001  # as stored
        datetime(2023, 12, 31, 23, 59, 59),  # noqa: DTZ001
        datetime(9999, 12, 30, 23, 59, 59),  # noqa: DTZ001
    ]
    query = "SELECT updated_at = created_at FROM table_user_profiles WHERE account_db_key = 1000"
    assert old.execute("global", query) == [(1,)]


def test_a_moment_that_the_server_renews_is_kept(adopting: Any, old: OldDeployment) -> None:
    """A TIMESTAMP is UTC already, and an UPDATE of the row would set it to now."""
    old.execute(
        "shard 1",
        "ALTER TABLE table_user_accounts MODIFY updated_at TIMESTAMP NULL DEFAULT NULL"
        " ON UPDATE CURRENT_TIMESTAMP",
    )
    query = "SELECT account_db_key, updated_at FROM table_user_accounts"
    before = old.execute("shard 1", query)
    adopting.run("--clock", "+09:00")
    assert old.execute("shard 1", query) == before


@pytest.mark.parametrize("clock", ["+09:00", "-09:00"])
def test_times_that_must_be_unique_may_take_each_others_place(
    clock: str, adopting: Any, old: OldDeployment
) -> None:
    columns = "ticker, account_db_key, state_vector_x, covariance_matrix_p, timestamp"
    for hours in ("- INTERVAL 9 HOUR", "+ INTERVAL 18 HOUR"):
        old.execute(
            "shard 1",
            f"INSERT INTO table_kalman_history ({columns}) SELECT {columns} {hours}"
            " FROM table_kalman_history",
        )
    old.execute("shard 1", "CREATE UNIQUE INDEX own ON table_kalman_history (account_db_key, timestamp)")
    before = {"shard 1": checksums(old, "shard 1", minutes=540 if clock == "+09:00" else -540)}
    adopting.run("--clock", clock)
    after = checksums(old, "shard 1")
    assert {key for key, value in before["shard 1"].items() if after[key] != value} <= FILLED


@pytest.fixture
def in_seoul(old: OldDeployment) -> Iterator[None]:
    """The server's own clock is nine hours ahead."""
    old.server.execute("SET GLOBAL time_zone = '+09:00'")
    yield
    old.server.execute("SET GLOBAL time_zone = 'SYSTEM'")


def test_a_clock_that_is_not_utc_must_be_named(in_seoul: None, adopting: Any, old: OldDeployment) -> None:
    found = adopting.findings(code=1)
    blocking = [f for f in found if f["severity"] == "blocks"]
    assert {(f["check"], f["database"]) for f in blocking} == {("clock", name) for name in old.names}
    assert "--clock +09:00 shifts them, --clock UTC leaves them" in blocking[0]["way_out"]
    adopting.run(code=1)
    assert not old.execute("global", "SHOW TABLES LIKE 'shardwise_adoption'")
    assert not [f for f in adopting.findings("--clock", "+09:00") if f["severity"] == "blocks"]


def test_a_clock_that_is_no_clock_is_wrong_usage(adopting: Any) -> None:
    assert "it must be UTC or an offset" in adopting.run("--clock", "Seoul", code=2).stderr


@pytest.fixture
def broken_off(adopting: Any, old: OldDeployment, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An adoption that failed in the middle of the shift of a shard; what the checksums shall be."""
    wanted = {name: checksums(old, name, minutes=540) for name in old.names}
    mark = marker.mark_shifted

    def fail(connection: Any, table: str) -> None:
        if table == "table_signal_alarms":
            raise MigrationTargetError("the power went out")
        mark(connection, table)

    with monkeypatch.context() as patched:
        patched.setattr("shardwise.migrations.adoption.shift.mark_shifted", fail)
        result = adopting.run("--clock", "+09:00", code=1)
    assert "the power went out" in result.stderr
    return wanted


def test_going_on_shifts_the_rest_only(broken_off: dict[str, Any], adopting: Any, old: OldDeployment) -> None:
    assert adopting.json("--dry-run")["clock"] == "+09:00"
    adopting.run()  # the clock is known
    assert_kept(old, broken_off)
    assert not old.execute("shard 1", "SHOW TABLES LIKE 'shardwise_adoption'")


def test_another_clock_than_the_one_begun_with_is_refused(
    broken_off: dict[str, Any], adopting: Any, old: OldDeployment
) -> None:
    before = {name: checksums(old, name) for name in old.names}
    for other in ("UTC", "+08:00"):
        assert "was begun with --clock +09:00" in adopting.run("--clock", other, code=1).stderr
    assert {name: checksums(old, name) for name in old.names} == before


async def test_upgrade_waits_until_the_times_are_right(
    broken_off: dict[str, Any], adopting: Any, old: OldDeployment
) -> None:
    target = Target.shard(1, make_url(old.server.url(old.names["shard 1"])))
    with pytest.raises(MigrationTargetError, match="is being adopted, and some of its times are not UTC"):
        await upgrade(target)
    await asyncio.to_thread(adopting.run)
    assert_kept(old, broken_off)


async def test_an_upgraded_database_is_not_shifted_after_a_kill(
    adopting: Any, old: OldDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its notes are made, and nobody wrote yet that its clock is right."""
    await upgrade(Target.global_database(make_url(old.url)), "g0004")
    query = "SELECT account_db_key, create_time FROM table_accountid"
    before = old.execute("global", query)

    def fail(connection: Any) -> None:
        raise MigrationTargetError("the power went out")

    options = ("--clock", "+09:00", "--upgraded-are-utc")
    with monkeypatch.context() as patched:
        patched.setattr("shardwise.migrations.adoption.shift.mark_clock_right", fail)
        await asyncio.to_thread(adopting.run, *options, code=1)
    assert old.execute("global", "SELECT value FROM shardwise_adoption WHERE item = 'clock'") == [("+09:00",)]
    await asyncio.to_thread(adopting.run, *options)
    assert old.execute("global", query) == before


async def test_a_database_that_another_one_adopted_meanwhile_is_not_shifted_again(
    adopting: Any, old: OldDeployment
) -> None:
    """The lock was lost with its connection: another adoption began and finished."""
    wanted = {name: checksums(old, name, minutes=540) for name in old.names}
    stale = await recognise(make_url(old.url))
    await asyncio.to_thread(adopting.run, "--clock", "+09:00")
    for database in stale.databases:
        async with writing(database.target) as connection:
            with pytest.raises(MigrationError, match="since it was looked at"):
                await connection.run_sync(
                    prepare, database, Clock(minutes=540), lock_timeout=1, doing=lambda what: None
                )
    assert_kept(old, wanted)
    assert "Nothing to do" in (await asyncio.to_thread(adopting.run)).stdout
