"""`adopt`: an old deployment to head, or what keeps it from there.

The order is the guarantee: nothing is written before every check has passed; a database's times are UTC
before its tables are rebuilt; what was done is written down in the same transaction; the notes are dropped
last, the global database's as the very last.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import URL

from shardwise.errors import MigrationError, ShardwiseError
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.clock_choice import choose_clock
from shardwise.migrations.adoption.connections import writing
from shardwise.migrations.adoption.deployment import AT_ONCE, Database, Deployment, State, recognise
from shardwise.migrations.adoption.findings import Finding
from shardwise.migrations.adoption.lock import adoption_lock
from shardwise.migrations.adoption.marker import drop_marker, mark_finishing
from shardwise.migrations.adoption.shift import prepare
from shardwise.migrations.adoption.survey import Survey, survey
from shardwise.migrations.adoption.verification import verify
from shardwise.migrations.branches import Branch
from shardwise.migrations.fleet import FleetPlan, FleetProgress, SilentProgress, upgrade_fleet
from shardwise.migrations.runner import MigrationOptions, MigrationResult, result_of
from shardwise.migrations.targets import Target


class AdoptionProgress(FleetProgress, Protocol):
    """Who is told how an adoption gets on, such as a progress bar."""

    def doing(self, what: str) -> None:
        """Take note of the step that begins."""


class SilentAdoption(SilentProgress):
    """Progress that nobody watches."""

    def doing(self, what: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionPlan:
    """How a deployment is adopted.

    Attributes:
        dry_run: look, and change nothing.
        clock: the one that wrote the old rows; None = UTC, refused where a server's own clock isn't.
        upgraded_are_utc: databases that have a revision already hold UTC: shift the others only.
        canary: the shard that goes first; if it fails, no other one is touched.
        workers: shards upgraded side by side.
        options: how long to wait for locks.
    """

    dry_run: bool = False
    clock: Clock | None = None
    upgraded_are_utc: bool = False
    canary: int | None = None
    workers: int = 1
    options: MigrationOptions = field(default_factory=MigrationOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What was seen and what became of it.

    Attributes:
        survey: the databases and everything that was found before.
        clock: the one that the rows are taken to be written by.
        results: what became of each database; nothing in a dry run, or if something blocked.
        wrong: what the checks at the end found.
        finished: whether the deployment is at head now, checked.
    """

    survey: Survey
    clock: Clock
    results: tuple[MigrationResult, ...] = ()
    wrong: tuple[Finding, ...] = ()
    finished: bool = False


async def adopt(
    global_url: URL, *, plan: AdoptionPlan | None = None, progress: AdoptionProgress | None = None
) -> Adoption:
    """Take a deployment that SQL scripts made to head, with its rows intact.

    Killed at any point and called again, it goes on where it was. Nothing is changed if anything blocks.

    Args:
        global_url: the address of the global database; its configuration names the shards.
        plan: how.
        progress: who is told.

    Returns:
        What was found and done; look at `survey.blocked`, the `error` of each result, and `finished`.

    Raises:
        MigrationTargetError: this is no old deployment; or the canary is none of its shards.
        MigrationLockedError: another adoption of it is running.
        MigrationError: a database can't be asked; or the adoption was begun with another clock.
    """
    plan, progress = plan or AdoptionPlan(), progress or SilentAdoption()
    if plan.dry_run or global_url.get_backend_name() == "sqlite":  # the latter is refused
        return await _looked_at(global_url, plan, progress)
    async with adoption_lock(Target.global_database(global_url), timeout=plan.options.lock_timeout):
        seen = await _looked_at(global_url, plan, progress)
        if seen.finished or seen.survey.blocked:
            return seen
        return await _Run(seen, plan, progress).run()


async def _looked_at(global_url: URL, plan: AdoptionPlan, progress: AdoptionProgress) -> Adoption:
    progress.doing("looking at the databases")
    deployment = await recognise(global_url)
    _require_canary(deployment, plan.canary)
    seen = await survey(deployment)
    chosen = choose_clock(seen, plan.clock, upgraded_are_utc=plan.upgraded_are_utc)
    if deployment.is_adopted:
        return Adoption(survey=seen, clock=chosen.clock, finished=True)
    findings = sorted([*chosen.findings, *seen.findings], key=lambda finding: not finding.blocks)
    return Adoption(survey=replace(seen, findings=tuple(findings)), clock=chosen.clock)


def _require_canary(deployment: Deployment, canary: int | None) -> None:
    if canary is not None and canary not in {each.target.shard_id for each in deployment.databases}:
        raise MigrationError(f"no shard that takes part has the id {canary}")


class _Run:
    """One adoption after its checks: what became of each database so far."""

    def __init__(self, seen: Adoption, plan: AdoptionPlan, progress: AdoptionProgress) -> None:
        self._seen = seen
        self._plan = plan
        self._progress = progress
        self._main = seen.survey.deployment.main
        databases = seen.survey.deployment.databases[1:]
        # One that was at head before anybody adopted anything is only looked at.
        self._shards = [each for each in databases if each.state is not State.HEAD or each.marker]
        self._noted = self._main.marker is not None and self._main.marker.finishing
        # A shard may have been enabled since that was noted.
        self._finishing = self._noted and all(each.state is State.HEAD for each in self._shards)
        self._results: dict[int | None, MigrationResult] = {}

    async def run(self) -> Adoption:
        """Do what is left to do, in order."""
        if not self._finishing:
            await self._take([self._main])
            first = [each for each in self._shards if each.target.shard_id == self._plan.canary]
            rest = [each for each in self._shards if each not in first]
            for group in (first, rest):
                if self._failed:
                    self._leave(group)
                else:
                    await self._take(group)
        return await self._finish()

    @property
    def _failed(self) -> bool:
        return any(result.error is not None for result in self._results.values())

    async def _take(self, group: Sequence[Database]) -> None:
        """Prepare databases, then upgrade those that are prepared."""
        turn = asyncio.Semaphore(AT_ONCE)
        prepared = await asyncio.gather(*(self._prepare(database, turn) for database in group))
        ready = [database for database, fine in zip(group, prepared, strict=True) if fine]
        if not ready:
            return
        plan = FleetPlan(
            workers=self._plan.workers,
            only=frozenset(each.target.shard_id for each in ready if each.target.shard_id is not None),
            options=self._plan.options,
        )
        progress = _OneGroup(self._progress, {each.target.shard_id for each in ready})
        for result in await upgrade_fleet(self._main.target.url, plan=plan, progress=progress):
            self._results.setdefault(result.shard_id, result)

    async def _prepare(self, database: Database, turn: asyncio.Semaphore) -> bool:
        def work(connection: Connection) -> None:
            prepare(
                connection,
                database,
                self._seen.clock,
                lock_timeout=self._plan.options.lock_timeout,
                doing=self._progress.doing,
            )

        async with turn:
            try:
                async with writing(database.target) as connection:
                    await connection.run_sync(work)
            except ShardwiseError as error:
                self._results[database.target.shard_id] = result_of(database.target, error=error)
                return False
        return True

    def _leave(self, group: Iterable[Database]) -> None:
        for database in group:
            name = database.target.name
            error = MigrationError(f"{name} was not touched, because one that goes before it failed")
            self._results[database.target.shard_id] = result_of(database.target, error=error)

    async def _finish(self) -> Adoption:
        """Check everything, then drop the notes; the global database's say that this has begun."""
        wrong: list[Finding] = []
        if not self._failed and not self._finishing:
            for database in (self._main, *self._shards):
                self._progress.doing(f"checking {database.target.name}")
                wrong += await verify(database.target, self._plan.options)
        finished = not self._failed and not any(finding.blocks for finding in wrong)
        if finished:
            await self._drop_notes()
        in_order = sorted(self._results.values(), key=lambda r: (r.branch is Branch.SHARD, r.shard_id or 0))
        return replace(self._seen, results=tuple(in_order), wrong=tuple(wrong), finished=finished)

    async def _drop_notes(self) -> None:
        if not self._noted:
            await _write(self._main.target, mark_finishing)
        for shard in self._shards:
            await _write(shard.target, _drop)
        await _write(self._main.target, _drop)


def _drop(connection: Connection) -> None:
    drop_marker(connection, inspect(connection).get_table_names())


async def _write(target: Target, work: Callable[[Connection], None]) -> None:
    async with writing(target) as connection:
        await connection.run_sync(work)
        await connection.commit()


class _OneGroup(SilentProgress):
    """Tells of the databases of one group only: the fleet looks at the global one each time."""

    def __init__(self, progress: AdoptionProgress, shard_ids: set[int | None]) -> None:
        self._progress = progress
        self._shard_ids = shard_ids

    def planned(self, targets: Sequence[Target]) -> None:
        self._progress.planned([each for each in targets if each.shard_id in self._shard_ids])

    def finished(self, result: MigrationResult) -> None:
        if result.shard_id in self._shard_ids:
            self._progress.finished(result)
