"""Everything that doesn't fit is found: one deployment with all of it, and one look."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from old_deployment import OldDeployment, old_deployment
from old_rows import fill
from shardwise.cli.app import app
from shardwise.testing.servers import MariaDBServer

LAX = "SET sql_mode = ''"
UNCHECKED = "SET foreign_key_checks = 0"
NONSENSE = "not-json"

WRONG = {
    "global": [
        LAX,
        UNCHECKED,
        "UPDATE table_accountid SET email = 'Same@Example.org' WHERE account_db_key IN (1000, 1001, 1002)",
        "UPDATE table_shard_config SET shard_name = 'same'",
        "UPDATE table_accountid SET plan_expires_at = 0, payment_plan = 'GOLD' WHERE account_db_key = 1003",
        "UPDATE table_accountid SET block_endtime = 0 WHERE account_db_key = 1004",
        "UPDATE table_accountid SET logout_time = '2020-00-00' WHERE account_db_key = 1005",
        "UPDATE table_accountid SET password_hash = '$2b$12$old' WHERE account_db_key IN (1006, 1007)",
        "DELETE FROM table_user_shard_mapping WHERE account_db_key = 1008",
        "INSERT INTO table_user_shard_mapping (account_db_key, shard_id) VALUES (7777, 1)",
        "UPDATE table_user_shard_mapping SET shard_id = 9 WHERE account_db_key IN (1009, 1010)",
        "UPDATE table_user_shard_mapping SET shard_id = 1 WHERE account_db_key = 1011",
        "INSERT INTO table_user_profiles (account_db_key) VALUES (8888)",
        "INSERT INTO table_user_payments (account_db_key, plan_name) VALUES (8888, 'p')",
        "INSERT INTO table_user_api_keys (account_db_key, polygon_key) VALUES (8888, 'top-secret-key')",
        "CREATE PROCEDURE fp_old() SELECT 1",
        "CREATE VIEW v_old AS SELECT 1",
        "CREATE TABLE my_own (k BIGINT UNSIGNED,"
        " FOREIGN KEY (k) REFERENCES table_accountid (account_db_key))",
        "ALTER TABLE table_errorlog ENGINE = Aria",
        "ALTER TABLE table_user_payments DROP KEY uk_account_payment, DROP FOREIGN KEY"
        " table_user_payments_ibfk_1, ADD KEY stays_here (plan_name)",
        "INSERT INTO table_user_payments (account_db_key, plan_name) VALUES (1000, 'again')",
    ],
    "shard 1": [
        LAX,
        UNCHECKED,
        "UPDATE table_signal_alarms SET symbol = 's9', is_deleted = NULL WHERE account_db_key = 1000",
        "UPDATE table_signal_alarms SET symbol = 'S9', is_deleted = 1 WHERE account_db_key = 1002",
        "ALTER TABLE table_chat_messages MODIFY metadata LONGTEXT",  # without its check
        f"UPDATE table_chat_messages SET metadata = '{NONSENSE}' WHERE account_db_key = 1002",
        "INSERT INTO table_chat_messages (message_id, room_id, account_db_key, content)"
        " VALUES ('lost', 'nowhere', 1000, 'x')",
        "UPDATE table_chat_statistics SET date = 0 WHERE account_db_key = 1000",
        "INSERT INTO table_user_accounts (account_db_key, account_number) VALUES (6666, 'X6666')",
        "DELETE FROM table_user_accounts WHERE account_db_key = 1004",
        "INSERT INTO table_user_accounts (account_db_key, account_number) VALUES (1013, 'X1013')",
        "UPDATE table_chat_rooms SET is_active = 2 WHERE account_db_key = 1006",
        "ALTER TABLE table_tutorial_progress ADD COLUMN mine INT, DROP COLUMN completed_step",
        "CREATE TRIGGER tr_old BEFORE UPDATE ON table_chat_rooms FOR EACH ROW SET NEW.title = NEW.title",
    ],
    "shard 2": [
        LAX,
        UNCHECKED,
        "ALTER TABLE table_user_accounts MODIFY account_number VARCHAR(40) NULL, DROP KEY uk_account_number",
        "UPDATE table_user_accounts SET account_number = NULL WHERE account_db_key = 1001",
        "UPDATE table_user_accounts SET account_number = REPEAT('9', 30) WHERE account_db_key = 1003",
        "UPDATE table_user_accounts SET account_number = 'twin' WHERE account_db_key IN (1005, 1007)",
        "ALTER TABLE table_transactions MODIFY created_at TIMESTAMP NULL",
        "ALTER TABLE outbox_sequences CONVERT TO CHARACTER SET latin1",
        "INSERT INTO saga_steps (saga_id, step_number, step_name) VALUES ('gone', 1, 's')",
    ],
}

# database, table, a part of the message, severity, rows, and an example
EXPECTED = [
    ("global", "table_accountid", "3 rows share platform_type, email", "blocks", 3, "1000 and 1002"),
    ("global", "table_shard_config", "2 rows share shard_name", "blocks", 2, "1 and 2"),
    ("global", "table_accountid", "plan_expires_at is a date of zeros; it becom", "attention", 1, "1003"),
    ("global", "table_accountid", "block_endtime is a date of zeros", "attention", 1, "1004"),
    ("global", "table_accountid", "logout_time is a date with a month or day of zero", "blocks", 1, "1005"),
    ("global", "table_accountid", "payment_plan holds ''", "blocks", 1, "1003"),
    ("global", "table_accountid", "not hashed with argon2id", "attention", 2, "1006"),
    ("global", "table_accountid", "accounts have no home", "attention", 1, "1008"),
    ("global", "table_user_shard_mapping", "homes of accounts that don't exist", "attention", 1, "7777"),
    ("global", "table_user_shard_mapping", "homes on shard 9, which is not", "attention", 2, "1009"),
    ("global", "table_user_profiles", "account_db_key names a row of table_accountid", "blocks", 1, "8888"),
    ("global", "table_user_payments", "account_db_key names a row of table_accountid", "blocks", 1, None),
    ("global", "table_user_api_keys", "account_db_key names a row of table_accountid", "blocks", 1, None),
    ("global", None, "1 procedure stay", "attention", 1, "fp_old"),
    ("global", None, "1 view stay", "attention", 1, "v_old"),
    ("global", "my_own", "a table of your own refers by a foreign key", "blocks", 1, None),
    ("global", "table_errorlog", "kept by Aria", "blocks", 1, None),
    ("global", "table_user_payments", "no revision knows stay: stays_here", "attention", 1, None),
    ("global", "table_user_payments", "keys of the first installations are missing", "attention", 1, None),
    ("global", "table_user_payments", "the foreign key account_db_key", "attention", 1, None),
    ("global", "table_user_payments", "2 rows share account_db_key", "blocks", 2, None),
    ("shard 1", "table_signal_alarms", "3 rows share account_db_key, live_sy", "blocks", 3, "al4 and al6"),
    ("shard 1", "table_chat_messages", "metadata holds text that is not JSON", "blocks", 3, None),
    ("shard 1", "table_chat_messages", "messages of rooms that don't exist", "attention", 1, None),
    ("shard 1", "table_chat_statistics", "date is no day of the calendar", "blocks", 1, None),
    ("shard 1", "table_user_accounts", "rows of accounts that don't exist", "attention", 1, "6666"),
    ("shard 1", "table_user_accounts", "accounts live here and have no ledger account", "attention", 3, None),
    ("shard 1", "table_user_accounts", "rows of accounts whose home is shard 2", "attention", 1, "1013"),
    ("shard 1", "table_user_accounts", "rows of accounts that have no home", "attention", 1, "1008"),
    ("shard 1", "table_chat_rooms", "rows of accounts whose home is shard 9", "attention", 1, "1010"),
    ("shard 1", "table_chat_rooms", "is_active holds other numbers than 0 and 1", "attention", 1, None),
    ("shard 1", "table_tutorial_progress", "columns that no revision knows: mine", "blocks", 1, None),
    ("shard 1", "table_tutorial_progress", "it lacks: completed_step", "blocks", 1, None),
    ("shard 1", "table_transactions", "the table is missing", "attention", 1, None),
    ("shard 1", None, "1 trigger stay", "attention", 1, "tr_old"),
    ("shard 1", "table_chat_rooms", "the trigger tr_old fires", "blocks", 1, None),
    ("shard 2", "table_chat_messages", "a foreign key room_id → table_chat_rooms", "attention", 1, None),
    ("shard 2", "table_user_accounts", "account_number is NULL, which the first", "blocks", 1, "1001"),
    ("shard 2", "table_user_accounts", "account_number is longer than 20", "blocks", 1, "1003"),
    ("shard 2", "table_user_accounts", "account_number is varchar(40), which differs", "blocks", 1, None),
    ("shard 2", "table_user_accounts", "2 rows share account_number", "blocks", 2, "1005 and 1007"),
    ("shard 2", "table_transactions", "created_at is timestamp, which differs", "attention", 1, None),
    ("shard 2", "outbox_sequences", "its collation is latin1", "attention", 1, None),
    ("shard 2", "saga_steps", "saga_id names a row of saga_instances", "blocks", 1, None),
    ("shard 2", "table_chat_rooms", "rows of accounts whose home is shard 1", "attention", 1, "1011"),
    ("shard 2", "table_chat_rooms", "rows of accounts whose home is shard 9", "attention", 1, "1009"),
]  # fmt: skip


@pytest.fixture(scope="module")
def broken(mariadb_server: MariaDBServer) -> Iterator[OldDeployment]:
    with old_deployment(mariadb_server) as deployment:
        fill(deployment, accounts=20)
        for database, statements in WRONG.items():
            deployment.execute(database, *statements)
        yield deployment


@pytest.fixture(scope="module")
def looked(broken: OldDeployment) -> dict[str, Any]:
    """What a dry run on that deployment prints; the exit code is 1, because things block."""
    runner = CliRunner()
    arguments = ["adopt", "--global-url", broken.url, "--dry-run", "--json"]
    result = runner.invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 1, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("case", EXPECTED, ids=[f"{case[0]}-{case[1]}-{case[2][:30]}" for case in EXPECTED])
def test_what_does_not_fit_is_found(
    looked: dict[str, Any], case: tuple[str, str | None, str, str, int, str | None]
) -> None:
    database, table, message, severity, count, example = case
    here = [f for f in looked["findings"] if (f["database"], f["table"]) == (database, table)]
    found = [f for f in here if message in f["message"]]
    assert len(found) == 1, here
    assert (found[0]["severity"], found[0]["count"]) == (severity, count)
    assert example is None or example in found[0]["examples"]
    assert severity == "attention" or found[0]["way_out"]


def test_nothing_else_blocks(looked: dict[str, Any]) -> None:
    blocking = [f for f in looked["findings"] if f["severity"] == "blocks"]
    expected = [case for case in EXPECTED if case[3] == "blocks"]
    assert len(blocking) == len(expected), [(f["table"], f["message"]) for f in blocking]


def test_what_blocks_comes_first(looked: dict[str, Any]) -> None:
    severities = [f["severity"] for f in looked["findings"]]
    assert severities == sorted(severities, reverse=True)


def test_nothing_secret_or_personal_is_printed(looked: dict[str, Any], broken: OldDeployment) -> None:
    printed = json.dumps(looked)
    for value in ("Same@Example", "top-secret-key", "$2b$", "ニック", NONSENSE, broken.server.password):
        assert value not in printed


def test_a_run_changes_nothing_anywhere(looked: dict[str, Any], broken: OldDeployment) -> None:
    before = {name: definitions(broken, name) for name in broken.names}
    result = CliRunner().invoke(app, ["adopt", "--global-url", broken.url], catch_exceptions=False)
    assert result.exit_code == 1
    assert "findings block; nothing was changed" in result.stderr
    assert {name: definitions(broken, name) for name in broken.names} == before


def definitions(deployment: OldDeployment, database: str) -> list[Any]:
    tables = deployment.execute(database, "SHOW TABLES")
    return [
        (deployment.execute(database, f"SHOW CREATE TABLE `{name}`"), checksum(deployment, database, name))
        for (name,) in tables
    ]


def checksum(deployment: OldDeployment, database: str, table: str) -> Any:
    return deployment.execute(database, f"CHECKSUM TABLE `{table}`")


def test_the_repaired_deployment_is_adopted(looked: dict[str, Any], broken: OldDeployment) -> None:
    """Each way out works: last, because it changes the deployment of this module."""
    for database, statements in REPAIRS.items():
        broken.execute(database, *statements)
    result = CliRunner(env={"COLUMNS": "300"}).invoke(
        app, ["adopt", "--global-url", broken.url], catch_exceptions=False
    )
    assert result.exit_code == 0, result.stdout + result.stderr
    (row,) = broken.execute(
        "global",
        "SELECT plan_expires_at, block_endtime > '2000-01-01' FROM table_accountid"
        " WHERE account_db_key = 1003",
    )
    assert row == (None, 1)
    assert "remove_index: stays_here" in result.stdout
    left = broken.execute("shard 1", "SELECT COUNT(*) FROM table_chat_messages WHERE room_id = 'nowhere'")
    assert left == [(1,)]


REPAIRS = {
    "global": [
        LAX,
        "UPDATE table_accountid SET email = NULL WHERE account_db_key IN (1001, 1002)",
        "UPDATE table_shard_config SET shard_name = CONCAT('shard_', shard_id)",
        "UPDATE table_accountid SET payment_plan = 'FREE' WHERE account_db_key = 1003",
        "UPDATE table_accountid SET logout_time = '2020-01-01' WHERE account_db_key = 1005",
        "DELETE FROM table_user_profiles WHERE account_db_key = 8888",
        "DELETE FROM table_user_payments WHERE account_db_key = 8888 OR plan_name = 'again'",
        "DELETE FROM table_user_api_keys WHERE account_db_key = 8888",
        "DROP TABLE my_own",
        "ALTER TABLE table_errorlog ENGINE = InnoDB",
    ],
    "shard 1": [
        LAX,
        "UPDATE table_signal_alarms SET symbol = alarm_id WHERE account_db_key = 1000",
        "UPDATE table_chat_messages SET metadata = NULL WHERE account_db_key = 1002",
        "DELETE FROM table_chat_statistics WHERE date = 0",
        "DROP TRIGGER tr_old",
        "ALTER TABLE table_tutorial_progress DROP COLUMN mine,"
        " ADD COLUMN completed_step INT NOT NULL DEFAULT 0 AFTER tutorial_type",
    ],
    "shard 2": [
        LAX,
        "UPDATE table_user_accounts SET account_number = CONCAT('AC', account_db_key)",
        "ALTER TABLE table_user_accounts MODIFY COLUMN account_number VARCHAR(20) NOT NULL",
        "DELETE FROM saga_steps WHERE saga_id = 'gone'",
    ],
}
