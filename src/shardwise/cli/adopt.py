"""`shardwise adopt`: a deployment that SQL scripts made, to the schema that this code needs."""

import os
from typing import Annotated

import typer

from shardwise.cli.adoption_report import facts, show
from shardwise.cli.command import FAILED, OK, JsonOption, command, settings
from shardwise.cli.output import print_json
from shardwise.cli.progress import UpgradeProgress
from shardwise.cli.upgrade import options
from shardwise.config import database_url
from shardwise.errors import ConfigurationError
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.run import AdoptionPlan
from shardwise.migrations.adoption.run import adopt as adopt_deployment

_JOBS = min(4, os.cpu_count() or 1)


@command
async def adopt(
    context: typer.Context,
    *,
    global_url: Annotated[
        str | None,
        typer.Option(help="Address of the old global database.  [default: DATABASE_URL]", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    clock: Annotated[
        str | None,
        typer.Option(
            metavar="OFFSET",
            help="Clock that wrote the old times: UTC leaves them, +09:00 shifts them to UTC, once.",
        ),
    ] = None,
    upgraded_are_utc: Annotated[
        bool,
        typer.Option(
            "--upgraded-are-utc", help="Databases that have a revision hold UTC: shift the others only."
        ),
    ] = False,
    canary: Annotated[
        int | None,
        typer.Option(metavar="ID", help="Shard that goes first; if it fails, no other is touched."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Shards upgraded side by side.")] = _JOBS,
    as_json: JsonOption = False,
) -> int:
    """Take over a deployment that SQL scripts made: its global database and all shards, rows intact.

    Shows what is there, what would happen to it and what doesn't fit. If anything blocks, nothing is changed
    anywhere and the exit code is 1. Run it again after a failure and it goes on where it stopped. Stop the
    old programs first, and have a backup.
    """
    chosen = settings(context)
    if chosen.migrations.script_location is not None:
        raise ConfigurationError(
            "old deployments have the tables of the trading platform, not those of your own Alembic folder;"
            " unset SHARDWISE_MIGRATIONS__SCRIPT_LOCATION"
        )
    plan = AdoptionPlan(
        dry_run=dry_run,
        clock=None if clock is None else Clock.parse(clock),
        upgraded_are_utc=upgraded_are_utc,
        canary=canary,
        workers=jobs,
        options=options(chosen),
    )
    url = chosen.database.sqlalchemy_url() if global_url is None else database_url(global_url, "--global-url")
    with UpgradeProgress() as progress:
        adoption = await adopt_deployment(url, plan=plan, progress=progress)
    if as_json:
        print_json(facts(adoption, dry_run=dry_run))
    else:
        show(adoption, dry_run=dry_run)
    done = adoption.finished or (dry_run and not adoption.survey.blocked)
    return OK if done else FAILED
