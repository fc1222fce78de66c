"""The old procedures of the shard configuration."""

from shardwise.errors import UnknownShardError
from shardwise.legacy.parameters import i32, text
from shardwise.legacy.procedure import Call, OnError, Procedure, Rows, Scope
from shardwise.legacy.rows import code
from shardwise.schema.control import ShardStatus
from shardwise.topology.registry import change_status, shards_with

_STATUS_COLUMNS = ("ErrorCode", "ErrorMessage")
_SHARD_COLUMNS = (
    "shard_id",
    "shard_name",
    "host",
    "port",
    "database_name",
    "status",
    "max_connections",
)
_WORDS = frozenset(ShardStatus)


async def _get_active_shard_ids(call: Call) -> Rows:
    shards = await shards_with(call.session, ShardStatus.ACTIVE)
    return [
        code(0, "SUCCESS"),
        *({name: getattr(shard, name) for name in _SHARD_COLUMNS} for shard in shards),
    ]


async def _update_shard_status(call: Call, *, shard_id: int | None, status: str | None) -> Rows:
    if shard_id is None or shard_id <= 0:
        return [code(1, "shard_id parameter is required and must be positive")]
    if status is None or status.casefold() not in _WORDS:
        return [code(1, f"status must be one of: {', '.join(ShardStatus)}")]
    try:
        await change_status(call.session, shard_id, ShardStatus(status.casefold()))
    except UnknownShardError:
        return [code(1, f"Shard not found: {shard_id}")]
    return [code(0, f"Shard {shard_id} status updated to: {status}", affected_rows=1)]


PROCEDURES: tuple[Procedure, ...] = (
    Procedure(
        name="fp_get_active_shard_ids",
        scope=Scope.GLOBAL,
        signatures=((),),
        results=(_STATUS_COLUMNS, _SHARD_COLUMNS),
        run=_get_active_shard_ids,
        writes=False,
        on_error=OnError.ERROR_ROW,
    ),
    Procedure(
        name="fp_update_shard_status",
        scope=Scope.GLOBAL,
        signatures=((i32("shard_id"), text("status", 20)),),
        results=((*_STATUS_COLUMNS, "affected_rows"),),
        run=_update_shard_status,
        on_error=OnError.ERROR_ROW,
    ),
)
