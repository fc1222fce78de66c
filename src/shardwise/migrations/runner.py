"""Migrating one database from a program: the CLI, the fixtures and applications call this."""

import asyncio
import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from shardwise.errors import MigrationError, ShardwiseError
from shardwise.migrations.branches import Branch, alembic_config, expected_head
from shardwise.migrations.targets import Target
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.revision import read_revision

HEAD = "head"
BASE = "base"
DEFAULT_LOCK_TIMEOUT = 60.0

# alembic.context and alembic.op are globals of the process: two threads would migrate each other's database
_ALEMBIC = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationOptions:
    """How databases are migrated.

    Attributes:
        script_location: an application's own Alembic folder; None = the one that shardwise ships.
        lock_timeout: seconds to wait for another upgrader of the same database.
    """

    script_location: Path | None = None
    lock_timeout: float = DEFAULT_LOCK_TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationResult:
    """What became of one database.

    Attributes:
        name: what messages call it.
        branch: the branch that it holds.
        shard_id: its number, None for the global database.
        before: its revision before, None if it had none or could not be asked.
        after: its revision now.
        seconds: how long it took.
        error: why it failed, None if it didn't.
    """

    name: str
    branch: Branch
    shard_id: int | None = None
    before: str | None = None
    after: str | None = None
    seconds: float = 0.0
    error: ShardwiseError | None = field(default=None)

    @property
    def changed(self) -> bool:
        """Return whether the revision is another one now."""
        return self.before != self.after


def result_of(target: Target, **facts: Any) -> MigrationResult:
    """Return the result of a target."""
    return MigrationResult(name=target.name, branch=target.branch, shard_id=target.shard_id, **facts)


async def upgrade(
    target: Target, revision: str = HEAD, *, options: MigrationOptions | None = None
) -> MigrationResult:
    """Bring a database up to a revision of its branch.

    Args:
        target: the database.
        revision: such as `head`, `g0007` or `+1`.
        options: where the revisions are, how long to wait for a lock.

    Raises:
        MigrationTargetError: the database belongs to the other branch.
        MigrationLockedError: another process is migrating it.
        MigrationError: it can't be reached, or a revision failed; the message says how to go on.
    """
    options = options or MigrationOptions()
    started = time.perf_counter()
    if revision == HEAD and (before := await current_revision(target)) == _head(target, options):
        return result_of(target, before=before, after=before, seconds=time.perf_counter() - started)
    return await _change(command.upgrade, target, revision, options)


async def downgrade(
    target: Target, revision: str, *, options: MigrationOptions | None = None
) -> MigrationResult:
    """Take a database back to an earlier revision; `base` drops every table.

    Raises:
        MigrationError: as for `upgrade`.
    """
    return await _change(command.downgrade, target, revision, options or MigrationOptions())


async def stamp(target: Target, revision: str, *, options: MigrationOptions | None = None) -> MigrationResult:
    """Record that a database is at a revision, without running anything.

    Raises:
        MigrationError: as for `upgrade`.
    """
    return await _change(command.stamp, target, revision, options or MigrationOptions())


async def upgrade_sql(
    target: Target, revision: str = HEAD, *, options: MigrationOptions | None = None
) -> str:
    """Return the SQL that `upgrade` would run; empty if the database is at that revision.

    The database is only asked for its revision.

    Raises:
        MigrationError: it can't be reached, or there is no such revision.
    """
    options = options or MigrationOptions()
    current = await current_revision(target)
    if revision == HEAD and current == _head(target, options):
        return ""
    output = io.StringIO()
    config = _config(target, options)
    config.output_buffer = output
    await asyncio.to_thread(
        _run, lambda: command.upgrade(config, f"{current or BASE}:{revision}", sql=True), target
    )
    return output.getvalue()


async def current_revision(target: Target) -> str | None:
    """Return the revision that a database records, None if it was never migrated.

    A SQLite file that doesn't exist is not made.

    Raises:
        MigrationError: it can't be reached.
    """
    if is_missing_file(target.url):
        return None
    manager = DatabaseManager(target.url, name=target.name, poolclass=NullPool)
    try:
        return await read_revision(manager)
    except ShardwiseError as error:
        raise MigrationError(f"{target.name}: {error}") from error
    finally:
        await manager.close()


def is_missing_file(url: URL) -> bool:
    """Return whether the address is that of a SQLite file that doesn't exist."""
    file = url.database or ""
    return url.get_backend_name() == "sqlite" and not file.startswith("file:") and not Path(file).exists()


async def _change(
    run: Callable[[Config, str], None], target: Target, revision: str, options: MigrationOptions
) -> MigrationResult:
    started = time.perf_counter()
    before = await current_revision(target)
    await asyncio.to_thread(_run, lambda: run(_config(target, options), revision), target)
    return result_of(
        target,
        before=before,
        after=await current_revision(target),
        seconds=time.perf_counter() - started,
    )


def _head(target: Target, options: MigrationOptions) -> str:
    return expected_head(target.branch, options.script_location)


def _config(target: Target, options: MigrationOptions) -> Config:
    config = alembic_config(options.script_location)
    config.attributes.update(target=target, lock_timeout=options.lock_timeout)
    return config


def _run(work: Callable[[], None], target: Target) -> None:
    with _ALEMBIC:
        try:
            work()
        except CommandError as error:
            raise MigrationError(f"{target.name}: {error}") from error
