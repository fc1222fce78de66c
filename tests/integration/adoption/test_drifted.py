"""Deployments that differ in ways which an upgrade would trip over half-way, or lose something by."""

from typing import Any

import pytest

from old_deployment import OldDeployment

BLOCKING: dict[str, tuple[list[str], str | None, str]] = {
    "an account key that is NULL": (
        [
            "SET foreign_key_checks = 0",
            "ALTER TABLE table_user_portfolios MODIFY account_db_key BIGINT UNSIGNED NULL",
            "UPDATE table_user_portfolios SET account_db_key = NULL LIMIT 1",
        ],
        "table_user_portfolios",
        "account_db_key is NULL",
    ),
    "an account key that is text": (
        [
            "ALTER TABLE table_user_portfolios MODIFY account_db_key VARCHAR(40) NOT NULL",
            "UPDATE table_user_portfolios SET account_db_key = 'mine' LIMIT 1",
        ],
        "table_user_portfolios",
        "account_db_key is varchar(40) NOT NULL",
    ),
    "collations that can't be compared": (
        ["ALTER TABLE table_chat_messages MODIFY room_id VARCHAR(128) COLLATE utf8mb4_general_ci NOT NULL"],
        "table_chat_messages",
        "room_id has the collation utf8mb4_general_ci, that of table_chat_rooms",
    ),
    "collations that a foreign key doesn't take": (
        [
            "ALTER TABLE saga_steps DROP FOREIGN KEY saga_steps_ibfk_1",
            "ALTER TABLE saga_steps MODIFY saga_id VARCHAR(128) COLLATE utf8mb4_bin NOT NULL",
        ],
        "saga_steps",
        "saga_id has the collation utf8mb4_bin, that of saga_instances",
    ),
    "a view in place of a table": (
        ["RENAME TABLE table_errorlog TO own", "CREATE VIEW table_errorlog AS SELECT * FROM own"],
        "table_errorlog",
        "a view has the name of the table",
    ),
    "a table under a name in other letters": (
        ["RENAME TABLE table_kalman_history TO Table_Kalman_History"],
        "table_kalman_history",
        "the table is named Table_Kalman_History",
    ),
    "a trigger that fires on changes": (
        [
            "CREATE TRIGGER own BEFORE UPDATE ON table_chat_rooms FOR EACH ROW"
            " SET NEW.updated_at = UTC_TIMESTAMP()"
        ],
        "table_chat_rooms",
        "the trigger own fires",
    ),
    "a table in partitions": (
        [
            "ALTER TABLE table_kalman_history DROP PRIMARY KEY, ADD PRIMARY KEY (idx, timestamp)",
            "ALTER TABLE table_kalman_history PARTITION BY RANGE (TO_DAYS(timestamp))"
            " (PARTITION p VALUES LESS THAN MAXVALUE)",
        ],
        "table_kalman_history",
        "the table is partitioned",
    ),
    "a table with its history": (
        ["ALTER TABLE table_signal_history ADD SYSTEM VERSIONING"],
        "table_signal_history",
        "the table is system-versioned",
    ),
    "a time kept as text": (
        ["ALTER TABLE table_user_accounts MODIFY created_at VARCHAR(40) NULL"],
        "table_user_accounts",
        "created_at is varchar(40), which head's DATETIME(6) can't take over",
    ),
    "a time kept as a number": (
        ["ALTER TABLE outbox_events MODIFY published_at BIGINT NULL"],
        "outbox_events",
        "published_at is bigint(20), which head's DATETIME(6) can't take over",
    ),
    "more decimals than head has": (
        ["ALTER TABLE table_signal_history MODIFY profit_rate DECIMAL(30, 10) NULL"],
        "table_signal_history",
        "profit_rate is decimal(30,10), which head's NUMERIC(27, 6) can't take over",
    ),
}


@pytest.mark.parametrize("name", BLOCKING)
def test_it_blocks(name: str, adopting: Any, old: OldDeployment) -> None:
    statements, table, message = BLOCKING[name]
    old.execute("shard 2", "DELETE FROM saga_steps", *_without_drift(statements), *statements)
    blocking = [f for f in adopting.findings(code=1) if f["severity"] == "blocks"]
    found = [f for f in blocking if (f["database"], f["table"]) == ("shard 2", table)]
    assert any(message in f["message"] for f in found), blocking
    assert all(f["way_out"] for f in blocking)
    adopting.run(code=1)
    assert not old.execute("global", "SHOW TABLES LIKE 'alembic_version'")


def _without_drift(statements: list[str]) -> list[str]:
    """Return what makes place for a change of a column that shard 2's own foreign key uses."""
    concerned = "MODIFY room_id" in statements[0]
    return ["ALTER TABLE table_chat_messages DROP FOREIGN KEY fk_chat_room"] if concerned else []


def test_tables_of_your_own_stay_and_are_named(adopting: Any, old: OldDeployment) -> None:
    old.execute(
        "shard 1",
        "CREATE TABLE backup (idx BIGINT PRIMARY KEY, moment DATETIME, KEY by_moment (moment))",
        "INSERT INTO backup VALUES (1, '2024-03-01 00:30:00')",
    )
    found = adopting.json("--clock", "+09:00")
    wrong = [(f["severity"], f["message"]) for f in found["verification"]]
    assert ("attention", "`alembic check` says remove_table: backup") in wrong
    assert {severity for severity, _ in wrong} == {"attention"}
    assert str(old.execute("shard 1", "SELECT moment FROM backup")[0][0]) == "2024-03-01 00:30:00"
