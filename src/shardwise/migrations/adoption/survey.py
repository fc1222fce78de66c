"""The look before the leap: every check on every database, several databases at a time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection, text

from shardwise.migrations.adoption.changes import courses, pending_changes
from shardwise.migrations.adoption.checks.directory import (
    find_homeless,
    find_lost_accounts,
    find_other_hashes,
)
from shardwise.migrations.adoption.checks.duplicates import find_duplicates
from shardwise.migrations.adoption.checks.homes import find_strays
from shardwise.migrations.adoption.checks.look import Look
from shardwise.migrations.adoption.checks.objects import find_objects
from shardwise.migrations.adoption.checks.references import find_broken_references
from shardwise.migrations.adoption.checks.shapes import find_drift
from shardwise.migrations.adoption.checks.values import find_misfits
from shardwise.migrations.adoption.clock import Clock, server_clock
from shardwise.migrations.adoption.connections import looking
from shardwise.migrations.adoption.deployment import AT_ONCE, Database, Deployment, State
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.migrations.branches import Branch

_CHECKS: tuple[Callable[[Look], Iterable[Finding]], ...] = (
    find_drift,
    find_misfits,
    find_duplicates,
    find_broken_references,
    find_objects,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """What was seen of one database.

    Attributes:
        database: the database.
        rows: the rows of each table of an old deployment that it has.
        clock: the server's own clock, None if nobody could ask.
        findings: what the checks found.
    """

    database: Database
    rows: Mapping[str, int]
    clock: Clock | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was seen of a deployment.

    Attributes:
        deployment: its databases.
        seen: what was seen of those that take part, the global one first.
        findings: everything that was found, what blocks first.
    """

    deployment: Deployment
    seen: tuple[Surveyed, ...]
    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """Return whether something must be repaired before anything is begun."""
        return any(finding.blocks for finding in self.findings)


async def survey(deployment: Deployment) -> Survey:
    """Run every check, without changing anything.

    Raises:
        MigrationError: a database that answered a moment ago can't be asked.
    """
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(database: Database) -> Surveyed:
        async with turn:
            return await _seen(database, deployment)

    seen = await asyncio.gather(*(one(database) for database in deployment.databases))
    found = [*_about_shards(deployment), *chain.from_iterable(each.findings for each in seen)]
    findings = sorted(found, key=lambda finding: not finding.blocks)
    return Survey(deployment=deployment, seen=tuple(seen), findings=tuple(findings))


async def _seen(database: Database, deployment: Deployment) -> Surveyed:
    async with looking(database.target) as connection:
        rows, clock, findings = await connection.run_sync(lambda sync: _ask(sync, database, deployment))
        if database.target.branch is Branch.SHARD:
            async with looking(deployment.main.target) as directory:
                findings += [each async for each in find_strays(database, connection, directory)]
    return Surveyed(database=database, rows=rows, clock=clock, findings=tuple(findings))


def _ask(
    connection: Connection, database: Database, deployment: Deployment
) -> tuple[dict[str, int], Clock, list[Finding]]:
    clock = server_clock(connection)
    changes = pending_changes(database.target.branch, database.revision)
    look = Look(connection=connection, database=database, courses=courses(changes))
    findings = [finding for check in _CHECKS for finding in check(look)]
    if database is deployment.main:
        disabled = [i for i, shard in deployment.shards.items() if shard.state is State.DISABLED]
        known = deployment.shards.keys() | deployment.broken.keys()
        findings += [
            *find_lost_accounts(look),
            *find_homeless(look, known, disabled),
            *find_other_hashes(look),
        ]
    return count_rows(connection, database), clock, findings


def count_rows(connection: Connection, database: Database) -> dict[str, int]:
    """Return the rows of each table of the first installations that a database has."""
    old = GLOBAL if database.target.branch is Branch.GLOBAL else SHARD
    names = [name for name in sorted(old.tables) if name in database.inventory.tables]
    if not names:
        return {}
    counts = ", ".join(f"(SELECT COUNT(*) FROM {name}) AS {name}" for name in names)
    row = connection.execute(text(f"SELECT {counts}")).one()
    return {name: int(getattr(row, name)) for name in names}


def _about_shards(deployment: Deployment) -> list[Finding]:
    """Return what keeps whole shards from taking part."""
    found = [
        _problem(f"shard {shard_id}", "configuration", error, "correct its row")
        for shard_id, error in deployment.broken.items()
    ]
    places: dict[tuple[object, ...], str] = {}
    for database in (deployment.main, *deployment.shards.values()):
        url, name = database.target.url, database.target.name
        twin = places.setdefault((url.host, url.port or 3306, url.database), name)
        if twin != name and database.state is not State.DISABLED:
            found.append(
                _problem(name, "configuration", f"it has the address of {twin}", "correct table_shard_config")
            )
        if database.problem is not None:
            found.append(
                _problem(
                    name,
                    "reach",
                    database.problem,
                    f"correct its address, or disable it: UPDATE table_shard_config SET status = 'disabled'"
                    f" WHERE shard_id = {database.target.shard_id}",
                )
            )
    return found


def _problem(database: str, check: str, message: str, way_out: str) -> Finding:
    return Finding(severity=Severity.BLOCKS, check=check, database=database, message=message, way_out=way_out)
