"""What a deployment is: its global database, the shards that it names, and how far each of them is."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from shardwise.errors import MigrationError, MigrationTargetError
from shardwise.migrations.adoption.connections import looking
from shardwise.migrations.adoption.inventory import Inventory, take_inventory
from shardwise.migrations.adoption.marker import Marker
from shardwise.migrations.adoption.shard_rows import NamedShards, read_shards
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.migrations.branches import Branch, expected_head
from shardwise.migrations.guard import ADOPTION_TABLE
from shardwise.migrations.targets import Target

AT_ONCE = 8  # databases that are looked at side by side
_NEEDED = ("table_accountid", "table_shard_config", "table_user_shard_mapping")
VERSIONS = "alembic_version"


class State(StrEnum):
    """How far a database is."""

    OLD = "old"
    EMPTY = "empty"
    BEHIND = "behind"
    HEAD = "at head"
    FOREIGN = "not ours"
    UNREACHABLE = "unreachable"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database of a deployment.

    Attributes:
        target: where it is.
        state: how far it is.
        revision: what it records, None if it was never migrated.
        marker: what an adoption that was begun and not finished left in it.
        inventory: what it holds; nothing if it could not be asked.
        problem: why it can't be adopted.
    """

    target: Target
    state: State
    revision: str | None = None
    marker: Marker | None = None
    inventory: Inventory = field(default_factory=lambda: Inventory(tables={}))
    problem: str | None = None

    @property
    def takes_part(self) -> bool:
        """Return whether it can be asked and brought to head."""
        return self.state in (State.OLD, State.EMPTY, State.BEHIND, State.HEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """All databases, as they are found.

    Attributes:
        main: the global database.
        shards: those that its configuration names, by id.
        broken: why a row of the configuration can't be used, by shard id.
    """

    main: Database
    shards: Mapping[int, Database]
    broken: Mapping[int, str]

    @property
    def databases(self) -> tuple[Database, ...]:
        """Return those that take part, the global one first."""
        return tuple(each for each in (self.main, *self.shards.values()) if each.takes_part)

    @property
    def begun(self) -> bool:
        """Return whether an adoption was begun and not finished."""
        return any(each.marker is not None for each in (self.main, *self.shards.values()))

    @property
    def is_adopted(self) -> bool:
        """Return whether there is nothing left to do."""
        waiting = any(each.state is not State.HEAD for each in self.databases)
        wrong = self.broken or any(each.problem for each in self.shards.values())
        return not (waiting or wrong or self.begun)


async def recognise(global_url: URL) -> Deployment:
    """Look at a deployment without changing it.

    Raises:
        MigrationTargetError: this is no global database of an old deployment; the message says what it is.
        MigrationError: the global database can't be reached.
    """
    if global_url.get_backend_name() == "sqlite":
        raise MigrationTargetError(
            "old deployments are MySQL or MariaDB databases; what is on SQLite was made by shardwise:"
            " `shardwise upgrade` brings it to head"
        )
    target = Target.global_database(global_url)
    async with looking(target) as connection:
        main = await connection.run_sync(lambda sync: _look(sync, target))
        _require_global(main)
        named = await connection.run_sync(lambda sync: read_shards(sync, main.inventory))
    turn = asyncio.Semaphore(AT_ONCE)
    shards = await asyncio.gather(*(_shard(shard, named, turn) for shard in named.targets.values()))
    by_id = {shard.target.shard_id or 0: shard for shard in shards}
    return Deployment(main=main, shards=by_id, broken=named.broken)


def _look(connection: Connection, target: Target) -> Database:
    inventory = take_inventory(connection)
    tables = inventory.tables
    revision = recorded_revision(connection) if VERSIONS in tables else None
    return Database(
        target=target,
        state=_state(target, inventory, revision),
        revision=revision,
        marker=Marker.read(connection) if ADOPTION_TABLE in tables else None,
        inventory=inventory,
    )


def recorded_revision(connection: Connection) -> str | None:
    """Return the revision that a database records in its table of them, None if the table is empty."""
    found = connection.execute(text(f"SELECT version_num FROM {VERSIONS}")).scalars()
    return ", ".join(sorted(str(one) for one in found)) or None


def _state(target: Target, inventory: Inventory, revision: str | None) -> State:
    tables = inventory.tables.keys() - {VERSIONS, ADOPTION_TABLE}
    if revision is not None:
        ours = revision.startswith(target.branch[0])  # g0001, s0001
        head = revision == expected_head(target.branch)
        return (State.HEAD if head else State.BEHIND) if ours else State.FOREIGN
    if not tables:
        return State.EMPTY
    own, other = (GLOBAL, SHARD) if target.branch is Branch.GLOBAL else (SHARD, GLOBAL)
    shared = own.tables.keys() & other.tables.keys()
    has_own, has_other = (tables & each.tables.keys() - shared for each in (own, other))
    return State.OLD if has_own and not has_other else State.FOREIGN


def _require_global(main: Database) -> None:
    tables = main.inventory.tables.keys()
    shown = main.target.url.render_as_string()
    if main.state is State.EMPTY:
        raise MigrationTargetError(
            f"{shown} is empty: there is nothing to adopt, `shardwise upgrade` makes a new database"
        )
    if tables & (SHARD.tables.keys() - GLOBAL.tables.keys()):
        raise MigrationTargetError(f"{shown} is a shard; name the global database of the deployment")
    missing = [name for name in _NEEDED if name not in tables]
    if main.state is State.FOREIGN or missing:
        lacks = f": it has no table {', '.join(missing)}" if missing else ""
        raise MigrationTargetError(f"{shown} is not the global database of an old deployment{lacks}")


async def _shard(target: Target, named: NamedShards, turn: asyncio.Semaphore) -> Database:
    if target.shard_id in named.disabled:
        return Database(target=target, state=State.DISABLED)
    async with turn:
        try:
            async with looking(target) as connection:
                found = await connection.run_sync(lambda sync: _look(sync, target))
        except MigrationError as error:
            return Database(target=target, state=State.UNREACHABLE, problem=str(error))
    if found.state is State.FOREIGN:
        return Database(
            target=target,
            state=State.FOREIGN,
            problem=f"{target.url.render_as_string()} holds no shard of an old deployment",
        )
    return found
