"""Upgrading a global database and its shards: in order, side by side, and with some of them broken."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from shardwise.errors import MigrationError, MigrationTargetError
from shardwise.migrations.branches import Branch, expected_head
from shardwise.migrations.fleet import FleetPlan, upgrade_fleet
from shardwise.migrations.runner import MigrationOptions, MigrationResult, current_revision, upgrade
from shardwise.migrations.targets import Target
from shardwise.topology.loader import address_columns

Ask = Callable[[Target, Callable[[Connection], Any]], Awaitable[Any]]
MakeTarget = Callable[[Branch], Target]
on_sqlite = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)

GLOBAL_REVISION = """
from alembic import op
from shardwise.schema.control import ShardConfig, ShardMapping

revision, down_revision, branch_labels, depends_on = "g1", None, ("global",), None

def upgrade():
    for model in (ShardConfig, ShardMapping):
        model.__table__.create(op.get_bind(), checkfirst=True)
"""

SHARD_REVISION = """
import os
from alembic import op
from sqlalchemy import inspect

revision, down_revision, branch_labels, depends_on = "s1", None, ("shard",), None

def upgrade():
    print("whatever a revision prints is no answer")
    tables = inspect(op.get_bind()).get_table_names()
    if "deadly" in tables:
        os._exit(3)
    if "broken" in tables:
        raise RuntimeError("broken on purpose")
"""

ENV = """
from alembic import context
from shardwise.migrations import environment

environment.run(context)
"""


@dataclass
class Recorder:
    """Remembers what it is told."""

    plans: list[list[str]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    def planned(self, targets: Sequence[Target]) -> None:
        self.plans.append([target.name for target in targets])

    def finished(self, result: MigrationResult) -> None:
        self.results.append(result.name)


@pytest.fixture
def options(tmp_path: Path) -> MigrationOptions:
    """Revisions that do next to nothing."""
    folder = tmp_path / "app" / "alembic"
    for branch, source in ((Branch.GLOBAL, GLOBAL_REVISION), (Branch.SHARD, SHARD_REVISION)):
        (folder / "versions" / branch).mkdir(parents=True)
        (folder / "versions" / branch / "first.py").write_text(source)
    (folder / "env.py").write_text(ENV)
    return MigrationOptions(script_location=folder, lock_timeout=5)


@pytest.fixture
async def shards(
    make_target: MakeTarget, global_target: Target, options: MigrationOptions, ask: Ask
) -> list[Target]:
    """Four empty shards of a migrated global database."""
    await upgrade(global_target, options=options)
    shards = [make_target(Branch.SHARD) for _ in range(4)]
    await add(ask, global_target, shards)
    return shards


async def add(ask: Ask, global_target: Target, shards: list[Target]) -> None:
    rows = [
        {
            "shard_id": shard.shard_id,
            "shard_name": shard.name,
            **address_columns(shard.url, global_target.url),
        }
        for shard in shards
    ]
    table = Branch.GLOBAL.metadata.tables["table_shard_config"]
    await ask(global_target, lambda connection: connection.execute(table.insert(), rows))


async def mark(ask: Ask, target: Target, name: str) -> None:
    await ask(target, lambda connection: connection.execute(text(f"CREATE TABLE {name} (id INTEGER)")))


async def unmark(ask: Ask, target: Target, name: str) -> None:
    await ask(target, lambda connection: connection.execute(text(f"DROP TABLE {name}")))


def outcome(results: list[MigrationResult]) -> dict[str, tuple[str | None, str | None, bool]]:
    return {result.name: (result.before, result.after, result.error is None) for result in results}


async def test_the_shipped_revisions_in_two_processes(
    make_target: MakeTarget, global_target: Target, ask: Ask
) -> None:
    heads = {branch: expected_head(branch) for branch in Branch}
    (first,) = await upgrade_fleet(global_target.url)
    assert (first.name, first.after) == ("global", heads[Branch.GLOBAL])
    shards = [make_target(Branch.SHARD) for _ in range(2)]
    await add(ask, global_target, shards)
    results = await upgrade_fleet(global_target.url, plan=FleetPlan(workers=2))
    assert outcome(results) == {
        "global": (heads[Branch.GLOBAL], heads[Branch.GLOBAL], True),
        "shard 1": (None, heads[Branch.SHARD], True),
        "shard 2": (None, heads[Branch.SHARD], True),
    }
    assert [await current_revision(shard) for shard in shards] == [heads[Branch.SHARD]] * 2


@on_sqlite
@pytest.mark.parametrize("workers", [1, 2])
async def test_a_broken_shard_stops_no_other_and_the_next_run_goes_on(
    global_target: Target, shards: list[Target], options: MigrationOptions, ask: Ask, workers: int
) -> None:
    plan, watcher = FleetPlan(workers=workers, options=options), Recorder()
    await mark(ask, shards[1], "broken")
    results = await upgrade_fleet(global_target.url, plan=plan, progress=watcher)
    assert outcome(results) == {
        "global": ("g1", "g1", True),
        "shard 1": (None, "s1", True),
        "shard 2": (None, None, False),
        "shard 3": (None, "s1", True),
        "shard 4": (None, "s1", True),
    }
    assert "shard 2: upgrade  -> s1" in str(results[2].error)
    assert "broken on purpose" in str(results[2].error)
    assert watcher.plans == [["global"], ["shard 1", "shard 2", "shard 3", "shard 4"]]
    assert sorted(watcher.results) == [result.name for result in results]

    await unmark(ask, shards[1], "broken")
    results = await upgrade_fleet(global_target.url, plan=plan)
    changed = [result.name for result in results if result.before != result.after]
    assert changed == ["shard 2"]
    assert not any(result.error for result in results)


@on_sqlite
async def test_a_worker_that_dies_is_replaced(
    global_target: Target, shards: list[Target], options: MigrationOptions, ask: Ask
) -> None:
    for shard in shards[:2]:
        await mark(ask, shard, "deadly")
    results = await upgrade_fleet(global_target.url, plan=FleetPlan(workers=2, options=options))
    failures = {result.name: str(result.error) for result in results if result.error is not None}
    assert failures.keys() == {"shard 1", "shard 2"}
    assert "the process that migrated it ended (exit code 3)" in failures["shard 1"]
    assert [result.after for result in results[3:]] == ["s1", "s1"]


@on_sqlite
async def test_a_canary_goes_first_and_its_failure_spares_the_others(
    global_target: Target, shards: list[Target], options: MigrationOptions, ask: Ask
) -> None:
    plan, watcher = FleetPlan(canary=3, options=options), Recorder()
    await mark(ask, shards[2], "broken")
    results = await upgrade_fleet(global_target.url, plan=plan, progress=watcher)
    assert watcher.results[:2] == ["global", "shard 3"]
    assert all(result.error is not None for result in results[1:])
    assert str(results[1].error) == "shard 1 was not touched, because shard 3, the canary, failed"
    assert [await current_revision(shard) for shard in shards] == [None] * 4

    await unmark(ask, shards[2], "broken")
    results = await upgrade_fleet(global_target.url, plan=plan)
    assert [result.after for result in results] == ["g1", "s1", "s1", "s1", "s1"]


@on_sqlite
async def test_which_shards_take_part(
    global_target: Target, shards: list[Target], options: MigrationOptions, ask: Ask
) -> None:
    table = Branch.GLOBAL.metadata.tables["table_shard_config"]

    def change(connection: Connection) -> None:
        for shard_id, values in (
            (1, {"status": "disabled"}),
            (2, {"status": "maintenance"}),
            (3, {"driver": "oracle"}),
        ):
            connection.execute(table.update().where(table.c.shard_id == shard_id).values(**values))

    await ask(global_target, change)
    results = await upgrade_fleet(global_target.url, plan=FleetPlan(options=options))
    assert outcome(results) == {
        "global": ("g1", "g1", True),
        "shard 2": (None, "s1", True),
        "shard 3": (None, None, False),
        "shard 4": (None, "s1", True),
    }
    assert "the row of shard 3 in table_shard_config" in str(results[2].error)
    only = FleetPlan(only=frozenset({4}), options=options)
    assert list(outcome(await upgrade_fleet(global_target.url, plan=only))) == ["global", "shard 4"]
    for plan in (FleetPlan(canary=9, options=options), FleetPlan(only=frozenset({9}), options=options)):
        with pytest.raises(MigrationTargetError, match="no shard that takes part has the id 9"):
            await upgrade_fleet(global_target.url, plan=plan)


@on_sqlite
async def test_a_broken_global_database_ends_it(make_target: MakeTarget, options: MigrationOptions) -> None:
    shard = make_target(Branch.SHARD)
    await upgrade(shard, options=options)
    (result,) = await upgrade_fleet(shard.url, plan=FleetPlan(options=options))
    assert isinstance(result.error, MigrationError)
    assert "is a database of the shard branch" in str(result.error)
