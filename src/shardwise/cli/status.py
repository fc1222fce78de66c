"""`shardwise status`: is every database up, and at the schema that this code needs?"""

from dataclasses import dataclass

import typer

from shardwise.cli.command import FAILED, OK, JsonOption, command, settings
from shardwise.cli.fleet import heads, looked_at
from shardwise.cli.output import print_json, print_table, say_error
from shardwise.migrations.branches import Branch
from shardwise.topology.health import DatabaseHealth

_NOT_MIGRATED = "not migrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """What `status` says of one database.

    Attributes:
        name: the database.
        shard_id: its shard, None for the global database.
        status: `up`, `down`, `maintenance` or `disabled`.
        revision: its schema revision, None if it has none or could not be asked.
        expected: the revision that this code needs.
        latency_ms: how long a look took.
        server: what it runs on.
        pool_in_use: connections in use by this command's pool.
        pool_limit: connections that a process may open to it.
        problem: what is wrong with it, None if nothing is.
    """

    name: str
    shard_id: int | None
    status: str
    revision: str | None
    expected: str
    latency_ms: float | None
    server: str | None
    pool_in_use: int
    pool_limit: int | None
    problem: str | None


@command
async def show_status(context: typer.Context, *, as_json: JsonOption = False) -> int:
    """Show whether each database is up and at the expected schema revision.

    Exit code 0 if all are; 1 if one is down or at another revision. A shard that was set to maintenance or
    disabled is not a failure; one in maintenance is looked at all the same.
    """
    chosen = settings(context)
    expected = await heads(chosen)
    async with looked_at(chosen) as (db, problem):
        found = [_describe(health, expected) for health in await db.health()]
    ok = problem is None and not any(database.problem for database in found)
    if as_json:
        print_json({"ok": ok, "databases": found})
    else:
        _show(found)
    if problem is not None and found[0].problem is None:
        say_error(f"the shards can't be read: {problem}")
    return OK if ok else FAILED


def _describe(health: DatabaseHealth, expected: dict[Branch, str]) -> DatabaseStatus:
    head = expected[Branch.GLOBAL if health.shard_id is None else Branch.SHARD]
    return DatabaseStatus(
        name=health.name,
        shard_id=health.shard_id,
        status=health.status,
        revision=health.revision,
        expected=head,
        latency_ms=health.latency_ms,
        server=health.server_version,
        pool_in_use=health.pool_in_use,
        pool_limit=health.pool_limit,
        problem=_problem(health, head),
    )


def _problem(health: DatabaseHealth, head: str) -> str | None:
    if health.status == "disabled" or health.error is not None:
        return health.error
    if health.revision == head:
        return None
    return f"{health.revision or _NOT_MIGRATED}, expected {head}: run `shardwise upgrade`"


def _show(found: list[DatabaseStatus]) -> None:
    columns = ("database", "status", "revision", "expected", "latency ms", "pool", "server", "problem")
    print_table(
        columns,
        [
            (
                row.name,
                row.status,
                row.revision,
                row.expected,
                row.latency_ms,
                None if row.pool_limit is None else f"{row.pool_in_use}/{row.pool_limit}",
                row.server,
                row.problem,
            )
            for row in found
        ],
    )
