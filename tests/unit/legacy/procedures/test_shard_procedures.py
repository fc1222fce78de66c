"""The old procedures of the shard configuration."""

from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import ShardMaintenanceError
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Rows
from shardwise.legacy.registry import find_procedure
from shardwise.schema.control import ShardStatus


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    procedure = find_procedure(name)
    assert procedure is not None
    return await call_registered(db, procedure, given)


async def active(db: ShardedDatabase) -> list[int]:
    status, *rows = await call(db, "fp_get_active_shard_ids")
    assert status == {"ErrorCode": 0, "ErrorMessage": "SUCCESS"}
    return [row["shard_id"] for row in rows]


async def test_active_shards_are_listed_without_their_passwords(db: ShardedDatabase) -> None:
    _, first, second = await call(db, "fp_get_active_shard_ids")
    names = "shard_id", "shard_name", "host", "port", "database_name", "status", "max_connections"
    assert tuple(first) == tuple(second) == names
    assert (first["shard_id"], first["shard_name"], first["status"]) == (1, "shard_1", "active")
    assert type(first["status"]) is str


async def test_a_status_is_changed_and_known_at_once(db: ShardedDatabase) -> None:
    changed = await call(db, "fp_update_shard_status", 1, "maintenance")
    assert changed == [
        {"ErrorCode": 0, "ErrorMessage": "Shard 1 status updated to: maintenance", "affected_rows": 1}
    ]
    assert await active(db) == [2]
    assert db.topology.shards[1].status is ShardStatus.MAINTENANCE
    with pytest.raises(ShardMaintenanceError):
        async with db.shard_session(1):
            pass
    again = await call(db, "fp_update_shard_status", 1, "maintenance")
    assert again == changed
    assert (await call(db, "fp_update_shard_status", 1, "ACTIVE"))[0]["ErrorCode"] == 0
    assert await active(db) == [1, 2]


REQUIRED = "shard_id parameter is required and must be positive"
WORDS = "status must be one of: active, maintenance, disabled"


@pytest.mark.parametrize(
    ("shard_id", "status", "message"),
    [
        (None, "active", REQUIRED),
        (0, "active", REQUIRED),
        (-1, None, REQUIRED),
        (1, "asleep", WORDS),
        (1, "", WORDS),
        (1, None, WORDS),
        (9, "active", "Shard not found: 9"),
    ],
)
async def test_what_is_wrong_is_told_in_a_row(
    db: ShardedDatabase, shard_id: int | None, status: str | None, message: str
) -> None:
    rows = await call(db, "fp_update_shard_status", shard_id, status)
    assert rows == [{"ErrorCode": 1, "ErrorMessage": message}]
    assert await active(db) == [1, 2]
