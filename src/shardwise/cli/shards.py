"""`shardwise shards`: which shards there are, adding one, changing what it takes, looking at one."""

from typing import Annotated

import typer

from shardwise.cli.command import FAILED, OK, JsonOption, command, settings
from shardwise.cli.databases import shown
from shardwise.cli.fleet import opened
from shardwise.cli.joining import Joining, join, require_ready
from shardwise.cli.output import print_json, print_table, say, say_error
from shardwise.cli.shard_check import check_shards
from shardwise.config import database_url
from shardwise.schema.control import ShardStatus
from shardwise.topology.registry import MAX_SHARD_ID, NewShard, set_status

app = typer.Typer(help="List, add and change shards.", no_args_is_help=True)

ShardId = Annotated[int, typer.Argument(metavar="ID", min=1, max=MAX_SHARD_ID, help="Number of the shard.")]


@app.command("list")
@command
async def list_shards(context: typer.Context, *, as_json: JsonOption = False) -> int:
    """List the configured shards, without connecting to them; passwords are never shown."""
    async with opened(settings(context)) as db:
        snapshot = db.topology.snapshot
    rows = [
        {
            "shard_id": shard.shard_id,
            "name": shard.name,
            "status": shard.status,
            "driver": shard.url.drivername,
            "address": shown(shard.url),
            "weight": shard.weight,
            "region": shard.region,
            "problem": None,
        }
        for shard in snapshot.shards.values()
    ]
    blank = dict.fromkeys(("name", "status", "driver", "address", "weight", "region"))
    rows += [
        {"shard_id": shard_id, **blank, "problem": str(error)} for shard_id, error in snapshot.broken.items()
    ]
    rows.sort(key=lambda row: row["shard_id"])  # type: ignore[arg-type,return-value]  # an int in every row
    if as_json:
        print_json(rows)
    elif not rows:
        say("No shard is configured; `shardwise shards add 1 --url …` adds one.")
    else:
        columns = ("shard", "name", "status", "driver", "address", "weight", "region", "problem")
        print_table(columns, [tuple(row.values()) for row in rows])
    return OK


@app.command("add")
@command
async def add(
    context: typer.Context,
    shard_id: ShardId,
    *,
    url: Annotated[
        str,
        typer.Option(
            help="mysql+asyncmy://USER:PASSWORD@HOST:PORT/DATABASE, or sqlite+aiosqlite:///FILE.",
            envvar="SHARDWISE_SHARD_URL",
            show_envvar=True,
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Unique name.  [default: shard_ID]")] = None,
    weight: Annotated[int, typer.Option(min=0, help="Part of new accounts, strategy `weighted`.")] = 1,
    region: Annotated[str | None, typer.Option(help="For the strategy `by_region`.")] = None,
    status: Annotated[ShardStatus, typer.Option(help="What it takes from the start.")] = ShardStatus.ACTIVE,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Bring its schema to head before it is configured.")
    ] = False,
    create_database: Annotated[
        bool, typer.Option("--create-database", help="Make the database if the server has none of this name.")
    ] = False,
) -> int:
    """Add a shard; running applications connect to it at their next refresh.

    Refused if the database can't be reached, if it is the global database or another shard under whatever
    address, or if it would be active without the schema that this code needs. A password on the command line
    can be seen by other users of the machine: the environment variable SHARDWISE_SHARD_URL avoids that.
    """
    shard = NewShard(
        shard_id=shard_id,
        name=name or f"shard_{shard_id}",
        url=database_url(url, "--url"),
        status=status,
        weight=weight,
        region=region,
    )
    chosen = settings(context)
    async with opened(chosen) as db:
        joined = await join(db, Joining(shard=shard, upgrade=upgrade, create_database=create_database))
    if joined.unasked:
        names = ", ".join(joined.unasked)
        say_error(f"could not ask {names} whether they are the same database; compared their addresses only")
    revision = f"revision {joined.revision}" if joined.revision else "not migrated"
    say(f"Added shard {shard_id} ({shard.name}), {status}, at {shown(shard.url)}, {revision}.")
    return OK


@app.command("set-status")
@command
async def change_status(
    context: typer.Context,
    shard_id: ShardId,
    status: Annotated[ShardStatus, typer.Argument(help="active, maintenance or disabled.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Make it active without looking whether it is up and migrated.")
    ] = False,
) -> int:
    """Change what a shard takes; running applications follow at their next refresh.

    `active` takes everything, `maintenance` only operators' sessions, `disabled` is not connected. A shard
    becomes active only if it is up and at the schema that this code needs.
    """
    async with opened(settings(context)) as db:
        if status is ShardStatus.ACTIVE and not force:
            await require_ready(db, shard_id)
        before = await set_status(db.global_manager, shard_id, status)
    say(f"Shard {shard_id} is {status}" + (", as before." if before is status else f", was {before}."))
    return OK


@app.command("check")
@command
async def check(
    context: typer.Context,
    shard_id: Annotated[
        int | None, typer.Argument(metavar="[ID]", min=1, max=MAX_SHARD_ID, help="One shard; all by default.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Connect to shards and check address, revision, and that no two are the same database.

    Disabled shards are looked at too. Exit code 1 if anything is wrong.
    """
    async with opened(settings(context)) as db:
        checks = await check_shards(db, shard_id)
    if as_json:
        print_json(checks)
    else:
        columns = ("shard", "name", "status", "address", "revision", "latency ms", "accounts", "problem")
        print_table(
            columns,
            [
                (c.shard_id, c.name, c.status, c.address, c.revision, c.latency_ms, c.accounts, c.problem)
                for c in checks
            ],
        )
    return FAILED if any(found.problem for found in checks) else OK


@app.command("recount")
@command
async def recount(context: typer.Context, *, as_json: JsonOption = False) -> int:
    """Count the accounts of each shard again from the directory and correct the statistics."""
    async with opened(settings(context)) as db:
        counts = await db.recount()
    if as_json:
        print_json(counts)
    else:
        print_table(
            ("shard", "accounts before", "accounts now"), [(c.shard_id, c.before, c.after) for c in counts]
        )
    return OK
