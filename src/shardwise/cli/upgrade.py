"""`shardwise upgrade`: every database to the schema that this code needs."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from shardwise.cli.command import FAILED, OK, JsonOption, command, one_line, settings, usage_error
from shardwise.cli.output import print_json, say_error
from shardwise.cli.progress import UpgradeProgress
from shardwise.cli.results import facts_of, print_results
from shardwise.config import Settings
from shardwise.errors import MigrationTargetError, ShardwiseError
from shardwise.migrations import runner
from shardwise.migrations.branches import Branch, alembic_config
from shardwise.migrations.fleet import FleetPlan, upgrade_fleet
from shardwise.migrations.runner import MigrationOptions, MigrationResult
from shardwise.migrations.targets import Request, Target, find_targets, read_topology, shard_targets

_JOBS = min(4, os.cpu_count() or 1)


@command
async def upgrade(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL and change nothing.")] = False,
    canary: Annotated[
        int | None,
        typer.Option(metavar="ID", help="Shard that goes first; if it fails, no other is touched."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Shards upgraded side by side.")] = _JOBS,
    revision: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Only up to this revision, in the databases of its branch only."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Bring the global database, then all shards, to the schema that this code needs.

    Databases that are there already are only looked at: run it again after a failure and it goes on where it
    stopped. Disabled shards are left out. Exit code 1 if any database failed.
    """
    chosen = settings(context)
    if dry_run:
        return await _print_sql(chosen, revision, as_json=as_json)
    if revision is not None:
        branch = branch_of(revision, chosen.migrations.script_location)
        results = await upgrade_each(await find_targets(Request(branch=branch), chosen), chosen, revision)
    else:
        plan = FleetPlan(workers=jobs, canary=canary, options=options(chosen))
        with UpgradeProgress() as progress:
            results = await upgrade_fleet(chosen.database.sqlalchemy_url(), plan=plan, progress=progress)
    return report(results, as_json=as_json)


def options(chosen: Settings) -> MigrationOptions:
    """Return how the settings want databases to be migrated."""
    return MigrationOptions(
        script_location=chosen.migrations.script_location, lock_timeout=chosen.migrations.lock_timeout
    )


def report(results: Iterable[MigrationResult], *, as_json: bool = False) -> int:
    """Print what became of each database, and return the exit code."""
    results = list(results)
    failures = [result for result in results if result.error is not None]
    if as_json:
        print_json({"ok": not failures, "databases": [facts_of(result) for result in results]})
    else:
        print_results(results)
    for result in failures:
        error = one_line(result.error or ShardwiseError())
        say_error(error if error.startswith(result.name) else f"{result.name}: {error}")
    return FAILED if failures else OK


async def upgrade_each(
    targets: Sequence[Target], chosen: Settings, revision: str = runner.HEAD
) -> list[MigrationResult]:
    """Bring databases to a revision, one after the other; a failure doesn't keep the next from its turn."""
    results = []
    with UpgradeProgress() as progress:
        progress.planned(targets)
        for target in targets:
            try:
                result = await runner.upgrade(target, revision, options=options(chosen))
            except ShardwiseError as error:
                result = runner.result_of(target, error=error)
            progress.finished(result)
            results.append(result)
    return results


def branch_of(revision: str, location: Path | None) -> Branch:
    """Return the branch that a revision belongs to; a usage error if there is no such revision."""
    try:
        script = ScriptDirectory.from_config(alembic_config(location)).get_revision(revision)
    except (CommandError, AssertionError):  # Alembic asserts that the name is not empty
        script = None
    if script is None or Path(script.path).parent.name not in list(Branch):
        usage_error(f"there is no revision {revision!r}", option="--revision")
    return Branch(Path(script.path).parent.name)


async def _print_sql(chosen: Settings, revision: str | None, *, as_json: bool) -> int:
    written = []
    for target in await _dry_targets(chosen, revision):
        sql = await runner.upgrade_sql(target, revision or runner.HEAD, options=options(chosen))
        written.append({"name": target.name, "shard_id": target.shard_id, "sql": sql})
    if as_json:
        print_json(written)
        return OK
    for entry in written:
        typer.echo(f"-- {entry['name']}" + ("" if entry["sql"] else ": nothing to do"))
        typer.echo(entry["sql"], nl=False)
    return OK


async def _dry_targets(chosen: Settings, revision: str | None) -> list[Target]:
    if revision is not None:
        return await find_targets(
            Request(branch=branch_of(revision, chosen.migrations.script_location)), chosen
        )
    target = Target.global_database(chosen.database.sqlalchemy_url())
    if await runner.current_revision(target) is None:
        say_error("the global database has not been migrated, so its shards are not known yet")
        return [target]
    try:
        return [target, *shard_targets(await read_topology(target.url))]
    except MigrationTargetError as error:
        say_error(f"the shards are left out: {error}")
        return [target]
