"""Which database a migration is for: named by a command, found in the settings and table_shard_config."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from shardwise.config import PoolSettings, Settings
from shardwise.errors import DatabaseError, MigrationTargetError, ShardConfigurationError, UnknownShardError
from shardwise.migrations.branches import Branch
from shardwise.schema.control import ShardStatus
from shardwise.topology.loader import load_topology
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.shard import Topology

ALL = "all"
_FORMS = "-x database=global, -x shard=NUMBER or -x shard=all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A database to migrate.

    Attributes:
        name: what messages call it.
        url: its address; printing it hides the password.
        branch: the revisions that belong into it.
        shard_id: its number, None for the global database.
    """

    name: str
    url: URL
    branch: Branch
    shard_id: int | None = None

    @classmethod
    def global_database(cls, url: URL) -> "Target":
        """Return the target for the global database."""
        return cls(name="global", url=url, branch=Branch.GLOBAL)

    @classmethod
    def shard(cls, shard_id: int, url: URL) -> "Target":
        """Return the target for a shard."""
        return cls(name=f"shard {shard_id}", url=url, branch=Branch.SHARD, shard_id=shard_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command asks for: a branch, and of the shards one or all.

    Attributes:
        branch: the branch.
        shard_id: one shard; None = all of them, or the global database.
    """

    branch: Branch
    shard_id: int | None = None

    @property
    def all_shards(self) -> bool:
        """Return whether the command is for every shard."""
        return self.branch is Branch.SHARD and self.shard_id is None


def parse_request(arguments: Mapping[str, str], section: str = "alembic") -> Request:
    """Return what `-x` arguments, and the section that `-n` chose, ask for.

    Args:
        arguments: the `-x` arguments, by name.
        section: the section of alembic.ini in use; `global` and `shard` bind a command to their branch.

    Raises:
        MigrationTargetError: no database is named, or the names contradict each other.
    """
    shard, database = arguments.get("shard"), arguments.get("database")
    if shard is not None and database is not None:
        raise MigrationTargetError(f"one database at a time, please: {_FORMS}")
    if shard is not None:
        request = Request(branch=Branch.SHARD, shard_id=None if shard == ALL else _shard_number(shard))
    elif database == Branch.GLOBAL or (database is None and section == Branch.GLOBAL):
        request = Request(branch=Branch.GLOBAL)
    elif database is not None:
        raise MigrationTargetError(f"there is no database {database!r}; name one with {_FORMS}")
    else:
        raise MigrationTargetError(f"no database is named; say which one with {_FORMS}")
    if section in list(Branch) and section != request.branch:
        raise MigrationTargetError(
            f"section [{section}] holds no revisions for the {request.branch} database"
        )
    return request


def _shard_number(value: str) -> int:
    if not value.isdecimal():
        raise MigrationTargetError(f"{value!r} is no shard number; name one with {_FORMS}")
    return int(value)


async def find_targets(request: Request, settings: Settings) -> list[Target]:
    """Return the databases that are asked for; all shards are those that are not disabled.

    Raises:
        MigrationTargetError: the shard doesn't exist, its row can't be used, or the shard configuration
            can't be read.
    """
    global_target = Target.global_database(settings.database.sqlalchemy_url())
    if request.branch is Branch.GLOBAL:
        return [global_target]
    topology = await read_topology(global_target.url)
    if request.shard_id is None:
        if topology.broken:
            raise MigrationTargetError(" ".join(str(error) for error in topology.broken.values()))
        return shard_targets(topology)
    try:
        return [Target.shard(request.shard_id, topology.shard(request.shard_id).url)]
    except (UnknownShardError, ShardConfigurationError) as error:
        raise MigrationTargetError(str(error)) from error


def shard_targets(topology: Topology) -> list[Target]:
    """Return the shards that a migration of all shards is for: those that are not disabled."""
    shards = [shard for shard in topology.shards.values() if shard.status is not ShardStatus.DISABLED]
    return [Target.shard(shard.shard_id, shard.url) for shard in shards]


async def read_topology(global_url: URL) -> Topology:
    """Read the shard configuration once.

    Raises:
        MigrationTargetError: it can't be read.
    """
    manager = DatabaseManager(global_url, name="global", poolclass=NullPool)
    try:
        return await load_topology(manager, PoolSettings.model_validate({}))
    except DatabaseError as error:
        raise MigrationTargetError(
            f"table_shard_config can't be read from the global database ({error});"
            " is its address right, and has it been upgraded?"
        ) from error
    finally:
        await manager.close()
