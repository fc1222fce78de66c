"""Upgrading everything: the global database, then the shards side by side, each one's fate reported."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlalchemy.engine import URL

from shardwise.errors import MigrationError, MigrationTargetError, ShardwiseError
from shardwise.migrations.branches import Branch, expected_head
from shardwise.migrations.lost import find_lost
from shardwise.migrations.runner import (
    MigrationOptions,
    MigrationResult,
    current_revision,
    result_of,
    upgrade,
)
from shardwise.migrations.targets import Target, read_topology, shard_targets
from shardwise.migrations.workers import upgrade_in_processes
from shardwise.topology.shard import Topology

_LOOKS_AT_ONCE = 16


class FleetProgress(Protocol):
    """Who is told how a fleet upgrade gets on, such as a progress bar."""

    def planned(self, targets: Sequence[Target]) -> None:
        """Take note of databases to look at: first the global one, then all shards."""

    def finished(self, result: MigrationResult) -> None:
        """Take note of one database that was upgraded, is up to date, or failed."""


class SilentProgress:
    """Progress that nobody watches."""

    def planned(self, targets: Sequence[Target]) -> None:
        """Do nothing."""

    def finished(self, result: MigrationResult) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """How a fleet is upgraded.

    Attributes:
        workers: processes that upgrade shards side by side; 1 = all in this process, one after the other.
        canary: the shard that goes first; if it fails, no other one is touched.
        only: the shards to upgrade; None = all that are not disabled.
        options: where the revisions are, how long to wait for locks.
    """

    workers: int = 1
    canary: int | None = None
    only: frozenset[int] | None = None
    options: MigrationOptions = field(default_factory=MigrationOptions)


async def upgrade_fleet(
    global_url: URL, *, plan: FleetPlan | None = None, progress: FleetProgress | None = None
) -> list[MigrationResult]:
    """Bring the global database and every shard to the newest revision.

    Databases that are there already are only looked at, so that a call after a failure goes on where the
    one before stopped. A shard's failure doesn't keep the others from being upgraded. A shard without any
    table is made, unless accounts live on it: then its database is lost or elsewhere, and it fails.

    Args:
        global_url: the address of the global database, whose `table_shard_config` names the shards.
        plan: how.
        progress: who is told.

    Returns:
        A result for each database, the global one first, then by shard id; look at their `error`. If the
        global database failed, it is alone.

    Raises:
        MigrationTargetError: the shard configuration can't be read, or the plan names a shard that is not
            in it.
    """
    run = _FleetUpgrade(global_url, plan or FleetPlan(), progress or SilentProgress())
    await run.global_database(Target.global_database(global_url))
    if run.failed:
        return run.results
    stale = await run.find_stale(await read_topology(global_url))
    stale = await run.canary(stale)
    await run.side_by_side(stale)
    return sorted(run.results, key=lambda result: (result.branch is Branch.SHARD, result.shard_id or 0))


class _FleetUpgrade:
    """The state of one upgrade: what is known of the databases so far."""

    def __init__(self, global_url: URL, plan: FleetPlan, progress: FleetProgress) -> None:
        self._global_url = global_url
        self._plan = plan
        self._progress = progress
        self.results: list[MigrationResult] = []

    @property
    def failed(self) -> bool:
        """Return whether the last database failed."""
        return self.results[-1].error is not None

    async def global_database(self, target: Target) -> None:
        """Upgrade the database that names the shards."""
        self._progress.planned([target])
        self._finish(await _upgraded(target, self._plan.options))

    async def find_stale(self, topology: Topology) -> list[Target]:
        """Look at each shard's revision, all at once; return those that are behind."""
        chosen = self._chosen(topology)
        self._progress.planned(chosen)
        for shard_id, error in topology.broken.items():
            if self._plan.only is None or shard_id in self._plan.only:
                name = f"shard {shard_id}"
                self._finish(MigrationResult(name=name, branch=Branch.SHARD, shard_id=shard_id, error=error))
        head = await asyncio.to_thread(expected_head, Branch.SHARD, self._plan.options.script_location)
        turn = asyncio.Semaphore(_LOOKS_AT_ONCE)
        looks = await asyncio.gather(*(_look(target, turn) for target in chosen))
        looks = await self._without_lost(chosen, looks)
        for look in looks:
            if look.error is not None or look.after == head:
                self._finish(look)
        pending = {look.shard_id for look in looks if look.error is None and look.after != head}
        return [target for target in chosen if target.shard_id in pending]

    async def _without_lost(
        self, targets: Sequence[Target], looks: Sequence[MigrationResult]
    ) -> list[MigrationResult]:
        """Let those fail that hold nothing though accounts live there."""
        new = {look.shard_id for look in looks if look.error is None and look.after is None}
        lost = await find_lost(self._global_url, [target for target in targets if target.shard_id in new])
        return [replace(look, error=lost.get(look.shard_id or 0, look.error)) for look in looks]

    def _chosen(self, topology: Topology) -> list[Target]:
        only, canary = self._plan.only, self._plan.canary
        targets = [t for t in shard_targets(topology) if only is None or t.shard_id in only]
        known = {target.shard_id for target in targets} | topology.broken.keys()
        wanted = set(only or ()) | ({canary} if canary is not None else set())
        if unknown := sorted(wanted - known):
            raise MigrationTargetError(
                f"no shard that takes part has the id {', '.join(map(str, unknown))};"
                " `shardwise shards list` shows which there are"
            )
        return targets

    async def canary(self, stale: list[Target]) -> list[Target]:
        """Upgrade the canary; return the shards that may follow it."""
        first = [target for target in stale if target.shard_id == self._plan.canary]
        rest = [target for target in stale if target.shard_id != self._plan.canary]
        if not first:
            return rest
        self._finish(await _upgraded(first[0], self._plan.options))
        if not self.failed:
            return rest
        for target in rest:
            error = MigrationError(
                f"{target.name} was not touched, because {first[0].name}, the canary, failed"
            )
            self._finish(result_of(target, error=error))
        return []

    async def side_by_side(self, stale: list[Target]) -> None:
        """Upgrade shards, in as many processes as the plan says."""
        workers = min(self._plan.workers, len(stale))
        if workers > 1:
            options = self._plan.options
            await upgrade_in_processes(stale, workers=workers, options=options, finished=self._finish)
            return
        for target in stale:
            self._finish(await _upgraded(target, self._plan.options))

    def _finish(self, result: MigrationResult) -> None:
        self.results.append(result)
        self._progress.finished(result)


async def _upgraded(target: Target, options: MigrationOptions) -> MigrationResult:
    try:
        return await upgrade(target, options=options)
    except ShardwiseError as error:
        return result_of(target, error=error)


async def _look(target: Target, turn: asyncio.Semaphore) -> MigrationResult:
    async with turn:
        try:
            revision = await current_revision(target)
        except ShardwiseError as error:
            return result_of(target, error=error)
    return result_of(target, before=revision, after=revision)
