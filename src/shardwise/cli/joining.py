"""Taking a database into the fleet, so that running applications never meet one that isn't ready."""

from dataclasses import dataclass

from sqlalchemy.pool import NullPool

from shardwise.cli.databases import create, exists, is_sqlite, shown
from shardwise.cli.fleet import heads
from shardwise.cli.twins import find_twin
from shardwise.config import Settings
from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DatabaseNotMigratedError,
    RevisionMismatchError,
    ShardExistsError,
    ShardUnavailableError,
    TopologyChangedError,
    TopologyError,
    note,
)
from shardwise.migrations import runner
from shardwise.migrations.branches import Branch
from shardwise.migrations.targets import Target
from shardwise.schema.control import ShardStatus
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.registry import NewShard, add_shard
from shardwise.topology.revision import read_revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """A database that is to become a shard.

    Attributes:
        shard: its configuration.
        upgrade: bring its schema to head first.
        create_database: make the database if it isn't there.
    """

    shard: NewShard
    upgrade: bool = False
    create_database: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What came of it: the revision of the new shard, and whom nobody could ask about being the same."""

    revision: str | None
    unasked: tuple[str, ...]


async def join(db: ShardedDatabase, joining: Joining) -> Joined:
    """Check a database, migrate it if asked, and then configure it as a shard.

    Raises:
        ShardExistsError: the id or the name is taken.
        TopologyError: it is a database that is configured already, doesn't exist, or would be active without
            the schema that this code needs.
        DatabaseError: it can't be reached.
        MigrationError: it can't be migrated.
    """
    shard = joining.shard
    _refuse_taken(db, shard)
    await _require_database(joining)
    manager = DatabaseManager.from_pool(
        shard.url,
        db.settings.database.pool(),
        name=f"shard {shard.shard_id}",
        shard_id=shard.shard_id,
        poolclass=NullPool,
    )
    try:
        unasked = await _require_own(db, manager)
        if joining.upgrade:
            await upgrade_shard(db.settings, shard)
        revision = await read_revision(manager)
        if shard.status is ShardStatus.ACTIVE:
            await _require_head(db.settings, shard, revision)
        while not await _configure(db, shard):
            await db.topology.refresh()
            unasked = await _require_own(db, manager)
    finally:
        await manager.close()
    return Joined(revision=revision, unasked=unasked)


async def require_ready(db: ShardedDatabase, shard_id: int) -> None:
    """Check that a shard is up and at head.

    Raises:
        UnknownShardError: there is no such shard.
        ShardUnavailableError: it can't be reached.
        TopologyError: it isn't at the revision of this code.
    """
    shard = db.topology.snapshot.shard(shard_id)
    if not await exists(shard.url):
        raise ShardUnavailableError(shard_id, f"there is no database {shown(shard.url)}")
    manager = DatabaseManager.from_pool(
        shard.url, shard.pool, name=f"shard {shard_id}", shard_id=shard_id, poolclass=NullPool
    )
    try:
        revision = await read_revision(manager)
    finally:
        await manager.close()
    head = (await heads(db.settings))[Branch.SHARD]
    if revision == head:
        return
    error: TopologyError = (
        DatabaseNotMigratedError(manager.name, head)
        if revision is None
        else RevisionMismatchError(manager.name, head, revision)
    )
    if shard.status is ShardStatus.DISABLED:
        note(error, hint="upgrades leave out disabled shards, set it to maintenance first")
    raise error


async def upgrade_shard(settings: Settings, shard: NewShard) -> None:
    """Bring the schema of a database that isn't configured yet to head.

    Raises:
        MigrationError: it can't be done; the message says how to go on.
    """
    options = runner.MigrationOptions(
        script_location=settings.migrations.script_location, lock_timeout=settings.migrations.lock_timeout
    )
    await runner.upgrade(Target.shard(shard.shard_id, shard.url), options=options)


async def _require_own(db: ShardedDatabase, manager: DatabaseManager) -> tuple[str, ...]:
    """Refuse a database that is configured already; return those that could not be asked."""
    twins = await find_twin(manager, _configured(db), deadline=db.settings.topology.health_deadline)
    if twins.name is not None:
        raise TopologyError(
            f"{shown(manager.url)} is the {twins.name} already; a shard needs a database of its own"
        )
    return twins.unasked


async def _configure(db: ShardedDatabase, shard: NewShard) -> bool:
    """Write the shard's row; return False if another shard came meanwhile, which may be the same database."""
    snapshot = db.topology.snapshot
    compared = snapshot.shards.keys() | snapshot.broken.keys()
    try:
        await db.with_retry(add_shard)(db.global_manager, shard, beside=compared)
    except TopologyChangedError:
        return False
    return True


def _refuse_taken(db: ShardedDatabase, shard: NewShard) -> None:
    for shard_id, other in db.topology.shards.items():
        if shard_id == shard.shard_id or other.name == shard.name:
            raise ShardExistsError(shard_id, other.name)


async def _require_database(joining: Joining) -> None:
    url, wanted = (
        joining.shard.url,
        joining.create_database or (joining.upgrade and is_sqlite(joining.shard.url)),
    )
    if wanted:
        await create(url)
    elif not await exists(url):
        option = "--upgrade" if is_sqlite(url) else "--create-database"
        raise TopologyError(f"there is no database {shown(url)}; {option} makes it")


async def _require_head(settings: Settings, shard: NewShard, revision: str | None) -> None:
    head = (await heads(settings))[Branch.SHARD]
    if revision != head:
        raise TopologyError(
            f"{shown(shard.url)} is {f'at revision {revision}' if revision else 'not migrated'}, an active"
            f" shard needs {head}: add --upgrade, or --status maintenance and upgrade it later"
        )


def _configured(db: ShardedDatabase) -> list[DatabaseManager]:
    shards = [db.topology.unchecked_manager(shard) for shard in db.topology.shards.values()]
    return [db.global_manager, *shards]
