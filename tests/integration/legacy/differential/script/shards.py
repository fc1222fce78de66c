"""Which shards there are and what they take (1.17, 1.18, sp_get_shard_user_stats); leaves all as it was."""

from typing import Any

from sqlalchemy import select

from differential.matching import ID, Keep, Kept, Like, Of
from differential.steps import GLOBAL, OK, Database, Failure, Row, Step, done, first, numbers
from shardwise.errors import NoActiveShardError, ShardUnavailableError
from shardwise.schema.control import ShardConfig

call, holds = GLOBAL.call, GLOBAL.holds

ID_NEEDED = numbers(1, "shard_id parameter is required and must be positive")
BAD_STATUS = numbers(1, "status must be one of: active, maintenance, disabled")


def _shard(shard_id: int) -> Row:
    return {
        "shard_id": shard_id,
        "shard_name": f"shard_{shard_id}",
        "host": Like(".*"),
        "port": Of(int),
        "database_name": Like(".+"),
        "status": "active",
        "max_connections": 100,
    }


def _set(shard_id: Any, status: Any, *gives: Row, **more: Any) -> Step:
    return call("fp_update_shard_status", shard_id, status, gives=gives, **more)


def _updated(shard_id: int, status: str) -> Row:
    return numbers(0, f"Shard {shard_id} status updated to: {status}", affected_rows=1)


def _statuses(*statuses: str) -> Step:
    return holds(
        lambda kept: select(ShardConfig.status).order_by(ShardConfig.shard_id),
        *[(each,) for each in statuses],
    )


def _sign_up(name: str, **more: Any) -> Step:
    return call("fp_user_signup", 1, name, "h", None, name, None, None, None, None, **more)


def _lives_on(name: str, shard_id: int, **more: Any) -> Step:
    return call("fp_user_login", 1, name, gives=first(result="SUCCESS", shard_id=shard_id), **more)


STEPS: list[Step] = [
    call("fp_get_active_shard_ids", gives=[OK, _shard(1), _shard(2)]),
    _set(None, "active", ID_NEEDED),
    _set(0, "active", ID_NEEDED),
    _set(-1, "active", ID_NEEDED),
    _set(1, "closed", BAD_STATUS),
    _set(1, "", BAD_STATUS),
    _set(1, None, BAD_STATUS, mends="D16"),
    _set(99, "active", numbers(1, "Shard not found: 99")),
    _statuses("active", "active"),
    _set(1, "maintenance", _updated(1, "maintenance")),
    _set(1, "maintenance", _updated(1, "maintenance"), mends="D16"),
    call("fp_get_active_shard_ids", gives=[OK, _shard(2)]),
    # Both go to the shard that is left, whichever key is odd.
    _sign_up("kim", gives=done("User signup completed", account_db_key=Keep("kim", ID)), mends="D8"),
    _sign_up("lee", gives=done("User signup completed", account_db_key=Keep("lee", ID)), mends="D8"),
    _lives_on("kim", 2, mends="D8"),
    _lives_on("lee", 2, mends="D8"),
    Database(1).call(
        "fp_get_account_info", Kept("owner1"), fails=Failure(ShardUnavailableError, logged=False), mends="D8"
    ),
    _set(2, "disabled", _updated(2, "disabled")),
    _statuses("maintenance", "disabled"),
    call("fp_get_active_shard_ids", gives=[OK]),
    _sign_up("may", fails=Failure(NoActiveShardError), mends="D8"),
    call("fp_user_login", 1, "may", gives=first(result="NOT_FOUND"), mends="D4"),
    _set(2, "active", _updated(2, "active")),
    _set(1, "active", _updated(1, "active")),
    call("FP_GET_ACTIVE_SHARD_IDS", gives=[OK, _shard(1), _shard(2)]),
    _sign_up("may", gives=done("User signup completed", account_db_key=Keep("may", ID))),
    Database(1).call("sp_get_shard_user_stats", gives=first(shard_id=1)),
    Database(2).call("sp_get_shard_user_stats", gives=first(shard_id=2)),
]
