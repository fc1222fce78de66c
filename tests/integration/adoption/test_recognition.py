"""What adopt takes for an old deployment, and what it refuses without touching it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from old_deployment import OldDeployment
from shardwise.cli.app import app
from shardwise.errors import MigrationError
from shardwise.migrations.runner import upgrade
from shardwise.migrations.targets import Target
from shardwise.testing.servers import MariaDBServer


def refusal(url: str, *options: str, code: int = 1) -> str:
    result = CliRunner().invoke(app, ["adopt", "--global-url", url, *options], catch_exceptions=False)
    assert result.exit_code == code, result.stdout
    return " ".join(result.stderr.split())


def test_sqlite_is_refused() -> None:
    assert "old deployments are MySQL or MariaDB databases" in refusal("sqlite+aiosqlite:///none.db")


def test_an_empty_database_is_refused_and_stays_empty(mariadb_server: MariaDBServer) -> None:
    url = mariadb_server.create_database()
    name = str(make_url(url).database)
    assert "is empty: there is nothing to adopt, `shardwise upgrade` makes" in refusal(url)
    assert mariadb_server.execute("SHOW TABLES", database=name) == []
    mariadb_server.drop_database(name)


def test_a_database_of_somebody_else_is_refused_and_not_touched(mariadb_server: MariaDBServer) -> None:
    url = mariadb_server.create_database()
    name = str(make_url(url).database)
    mariadb_server.execute("CREATE TABLE table_accountid (id INT)", "CREATE TABLE t (id INT)", database=name)
    message = refusal(url)
    assert "is not the global database of an old deployment: it has no table table_shard_config" in message
    assert mariadb_server.execute("SHOW TABLES", database=name) == [("t",), ("table_accountid",)]
    mariadb_server.drop_database(name)


def test_a_shard_in_place_of_the_global_database_is_refused(old: OldDeployment) -> None:
    message = refusal(old.server.url(old.names["shard 1"]))
    assert "is a shard; name the global database of the deployment" in message
    assert old.server.password not in message


def test_a_server_that_is_not_there_is_an_error_of_one_line() -> None:
    message = refusal("mysql+asyncmy://u:secret@127.0.0.1:1/none")
    assert message.startswith("shardwise: global: the server can't be reached")
    assert "secret" not in message


def test_what_an_adopted_deployment_has_left_to_do_is_nothing(adopting: Any, old: OldDeployment) -> None:
    adopting.run()
    before = {name: old.tables(name) for name in old.names}
    assert "Nothing to do" in adopting.run().stdout
    assert "Nothing to do" in adopting.run("--clock", "+09:00").stdout
    found = adopting.json()
    assert (found["ok"], found["adopted"], found["results"]) == (True, True, [])
    assert {name: old.tables(name) for name in old.names} == before
    for name in old.names:
        assert not old.execute(name, "SHOW TABLES LIKE 'shardwise_adoption'")


def test_shards_that_cannot_take_part_block_and_are_named(adopting: Any, old: OldDeployment) -> None:
    old.execute(
        "global",
        "INSERT INTO table_shard_config (shard_id, shard_name, host, port, database_name, username, password)"
        f" VALUES (3, 's3', '127.0.0.1', 1, 'x', 'u', 'p'), (4, 's4', '', 0, 'x', 'u', 'p'),"
        f" (5, 's5', '{old.server.host}', {old.server.port}, '{old.names['shard 2']}',"
        f" '{old.server.user}', '{old.server.password}'),"
        f" (6, 's6', '{old.server.host}', {old.server.port}, 'mysql',"
        f" '{old.server.user}', '{old.server.password}')",
    )
    found = [f for f in adopting.findings(code=1) if f["severity"] == "blocks"]
    by_name = {f["database"]: f["message"] for f in found}
    assert "can't be reached" in by_name["shard 3"]
    assert "no usable host and port" in by_name["shard 4"]
    assert by_name["shard 5"] == "it has the address of shard 2"
    assert "holds no shard of an old deployment" in by_name["shard 6"]
    adopting.run(code=1)
    assert not old.execute("global", "SHOW TABLES LIKE 'alembic_version'")


def test_a_shard_that_lost_its_tables_blocks_and_a_new_one_is_made(adopting: Any, old: OldDeployment) -> None:
    new = str(make_url(old.server.create_database()).database)
    old.names["shard 3"] = new
    old.execute(
        "global",
        "INSERT INTO table_shard_config (shard_id, shard_name, host, port, database_name, username, password)"
        f" SELECT 3, 'three', host, port, '{new}', username, password FROM table_shard_config LIMIT 1",
        "UPDATE table_user_shard_mapping SET shard_id = 3 WHERE account_db_key = 1001",
    )
    (found,) = [f for f in adopting.findings(code=1) if f["severity"] == "blocks"]
    assert (found["database"], found["count"]) == ("shard 3", 1)
    assert "its database is lost or elsewhere" in found["message"]
    old.execute("global", "UPDATE table_user_shard_mapping SET shard_id = 2 WHERE account_db_key = 1001")
    adopting.run("--clock", "+09:00")
    assert "table_user_accounts" in old.tables("shard 3")


def test_a_disabled_shard_is_left_and_adopted_later(adopting: Any, old: OldDeployment) -> None:
    status = "UPDATE table_shard_config SET status = '{}' WHERE shard_id = 2"
    old.execute("global", status.format("disabled"))
    messages = [f["message"] for f in adopting.findings()]
    assert any(m.startswith("homes on shard 2, which is disabled") for m in messages)
    adopting.run()
    assert not old.execute("shard 2", "SHOW TABLES LIKE 'alembic_version'")
    old.execute("global", status.format("maintenance"))
    adopting.run()
    assert old.execute("shard 2", "SHOW TABLES LIKE 'alembic_version'")
    assert "Nothing to do" in adopting.run().stdout


def test_a_shard_that_is_enabled_while_the_notes_are_dropped_is_adopted(
    adopting: Any, old: OldDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The global database says that everything is done; this shard isn't."""
    status = "UPDATE table_shard_config SET status = '{}' WHERE shard_id = 2"
    query = "SELECT MIN(created_at) FROM table_chat_rooms"
    before = old.execute("shard 2", query)[0][0]
    old.execute("global", status.format("disabled"))

    def fail(connection: Any) -> None:
        raise MigrationError("the power went out")

    with monkeypatch.context() as patched:
        patched.setattr("shardwise.migrations.adoption.run._drop", fail)
        adopting.run("--clock", "+09:00", code=1)
    old.execute("global", status.format("maintenance"))
    adopting.run()
    assert old.execute("shard 2", query)[0][0] == before - timedelta(hours=9)
    for name in old.names:
        assert old.execute(name, "SHOW TABLES LIKE 'alembic_version'")
        assert not old.execute(name, "SHOW TABLES LIKE 'shardwise_adoption'")


@pytest.mark.parametrize("first", [["global"], ["global", "shard 1"]])
async def test_a_deployment_that_upgrade_began_is_finished(
    first: list[str], adopting: Any, old: OldDeployment
) -> None:
    for name in first:
        url = make_url(old.server.url(old.names[name]))
        target = Target.global_database(url) if name == "global" else Target.shard(1, url)
        await upgrade(target, "g0004" if name == "global" else "head")
    result = await asyncio.to_thread(adopting.json, "--clock", "+09:00", code=1)
    blocking = [f for f in result["findings"] if f["severity"] == "blocks"]
    assert [f["database"] for f in blocking] == first
    assert "--upgraded-are-utc" in blocking[0]["way_out"]
    when = old.execute("global", "SELECT MIN(create_time) FROM table_accountid")
    await asyncio.to_thread(adopting.run, "--clock", "+09:00", "--upgraded-are-utc")
    assert old.execute("global", "SELECT MIN(create_time) FROM table_accountid") == when
    shifted = old.execute("shard 2", "SELECT MIN(created_at) FROM table_chat_rooms")[0][0]
    assert str(shifted) < "2024-03-01"
