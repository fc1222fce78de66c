"""Looks at every database at once, each within its own deadline."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.pool import QueuePool

from shardwise.errors import ShardwiseError
from shardwise.schema.control import ShardStatus
from shardwise.topology.manager import DatabaseManager

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """What one look at a database showed.

    Attributes:
        name: the database.
        shard_id: its shard, None for the global database.
        status: `up`, `down`, `maintenance` or `disabled`.
        latency_ms: how long the look took, in milliseconds; None if it wasn't made.
        server_version: what the server calls itself.
        revision: its schema revision.
        pool_in_use: connections checked out of the pool.
        pool_limit: connections that the pool may open.
        error: why it is down.
    """

    name: str
    shard_id: int | None
    status: str
    latency_ms: float | None = None
    server_version: str | None = None
    revision: str | None = None
    pool_in_use: int = 0
    pool_limit: int | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Return whether the database is up."""
        return self.status == "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthTarget:
    """A database to look at; `manager` is None if it is disabled or can't be configured (`problem`)."""

    name: str
    shard_id: int | None
    manager: DatabaseManager | None = None
    status: ShardStatus = ShardStatus.ACTIVE
    problem: str | None = None


async def check_health(
    targets: Iterable[HealthTarget],
    *,
    deadline: float,
    read_revision: Callable[[DatabaseManager], Awaitable[str | None]],
) -> tuple[DatabaseHealth, ...]:
    """Look at all databases at once.

    Args:
        targets: the databases.
        deadline: seconds that each may take.
        read_revision: reads a database's schema revision.

    Returns:
        One entry a target, in their order, within the deadline whatever hangs.
    """
    return tuple(await asyncio.gather(*(_look(target, deadline, read_revision) for target in targets)))


async def _look(
    target: HealthTarget,
    deadline: float,
    read_revision: Callable[[DatabaseManager], Awaitable[str | None]],
) -> DatabaseHealth:
    if target.status is ShardStatus.DISABLED:
        return DatabaseHealth(name=target.name, shard_id=target.shard_id, status="disabled")
    if target.manager is None:
        return DatabaseHealth(name=target.name, shard_id=target.shard_id, status="down", error=target.problem)
    start = time.perf_counter()
    version = revision = problem = None
    try:
        async with asyncio.timeout(deadline):
            version = await _server_version(target.manager)
            revision = await read_revision(target.manager)
    except TimeoutError:
        problem = f"no answer within {deadline:g} s"
    except ShardwiseError as error:
        problem = str(error)
    except Exception as error:  # one database's surprise must not hide the others
        logger.exception("looking at %s failed", target.name)
        problem = f"{type(error).__name__} (see the log)"
    up = "maintenance" if target.status is ShardStatus.MAINTENANCE else "up"
    pool = target.manager.engine.pool
    return DatabaseHealth(
        name=target.name,
        shard_id=target.shard_id,
        status="down" if problem else up,
        latency_ms=round((time.perf_counter() - start) * 1000, 3),
        server_version=version,
        revision=revision,
        pool_in_use=target.manager.checked_out(),
        pool_limit=pool.size() + pool._max_overflow if isinstance(pool, QueuePool) else None,
        error=problem,
    )


async def _server_version(manager: DatabaseManager) -> str:
    async with manager.session(read_only=True) as session:
        if manager.dialect_name == "sqlite":
            return f"SQLite {await session.scalar(select(func.sqlite_version()))}"
        return str(await session.scalar(text("SELECT VERSION()")))
