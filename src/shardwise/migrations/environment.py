"""What every env.py does: find the database, see to it that only its own branch can get in, migrate it."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from alembic.operations.ops import MigrationScript
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionMap
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from shardwise.config import PoolSettings, Settings
from shardwise.errors import (
    DatabaseError,
    MigrationError,
    MigrationLockedError,
    MigrationTargetError,
    ShardwiseError,
    TransientDatabaseError,
)
from shardwise.migrations.branches import Branch, versions_folder
from shardwise.migrations.comparison import Comparison, forget_placement, number_revision
from shardwise.migrations.guard import require_own_database
from shardwise.migrations.locks import advisory_lock
from shardwise.migrations.targets import Target, find_targets, parse_request
from shardwise.topology.driver_errors import wrap
from shardwise.topology.engines import READ_ONLY, create_engine

_LONGEST_STATEMENT = 86_400  # seconds that an ALTER TABLE may take
_METADATA_LOCK_WAIT = 30  # seconds; a waiting ALTER TABLE holds up everybody behind it
_VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num))"
)


def run(context: EnvironmentContext, *, settings: Settings | None = None) -> None:
    """Run an Alembic command on the database that it names; `env.py` calls this and nothing else.

    The database is named by `-x database=global`, `-x shard=3` or `-x shard=all`, and its address comes from
    the settings and from `table_shard_config`. A program may put into `config.attributes` a `target`
    (`Target`), and a `connection` (a synchronous `Connection` that is not inside a transaction) to be used
    instead of a new one; then `branch` is enough. Only the revisions of the database's own branch can be
    seen, whatever the command asks for.

    Args:
        context: `alembic.context`.
        settings: the settings; by default read from the environment and `.env`. Their
            `migrations.lock_timeout` says how long to wait for another upgrader.

    Raises:
        MigrationTargetError: no database is named, or it belongs to the other branch.
        MigrationLockedError: another process is migrating it.
        MigrationError: a revision failed; the message says how far it got and how to go on.
        CommandError: in place of these if the `alembic` command was used, which prints it.
    """
    try:
        _run(context, settings)
    except ShardwiseError as error:
        if context.config.cmd_opts is None:
            raise
        raise CommandError(str(error)) from error


def _run(context: EnvironmentContext, settings: Settings | None) -> None:
    attributes = context.config.attributes
    if (connection := attributes.get("connection")) is not None:
        target = attributes.get("target") or _connected(attributes["branch"], connection)
        _on_connection(context, target, connection, _lock_timeout(context, settings))
        return
    targets = _targets(context, settings or Settings())
    if len(targets) > 1 and getattr(context.config.cmd_opts, "autogenerate", False):
        raise MigrationTargetError(
            "a revision is made from one database; name one shard with -x shard=NUMBER"
        )
    for target in targets:
        if len(targets) > 1:
            context.config.print_stdout("%s:", target.name)
        _on_target(context, target, settings)


def _targets(context: EnvironmentContext, settings: Settings) -> list[Target]:
    given = context.config.attributes.get("target")
    if given is not None:
        return [given]
    arguments = context.get_x_argument(as_dictionary=True)
    request = parse_request(arguments, context.config.config_ini_section)
    targets: list[Target] = _await(find_targets(request, settings))
    return targets


def _connected(branch: Branch, connection: Connection) -> Target:
    return Target(name=f"the {branch} database", url=connection.engine.url, branch=branch)


def _lock_timeout(context: EnvironmentContext, settings: Settings | None) -> float:
    given = context.config.attributes.get("lock_timeout")
    return float(given) if given is not None else (settings or Settings()).migrations.lock_timeout


def _await(work: Any) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    work.close()
    raise MigrationError(
        "an Alembic command can't run inside an event loop: use shardwise.migrations.runner.upgrade,"
        " or asyncio.to_thread"
    )


def narrow(script: ScriptDirectory, branch: Branch) -> None:
    """Let a script directory see one branch only, so that no command can apply the other's revisions.

    Alembic's commands make the directory before env.py knows the database; its revision map is loaded when
    first used, and replaced here.
    """
    script.version_locations = [str(versions_folder(branch, Path(script.dir)))]
    for memoized in ("_version_locations", "_singular_version_location"):
        script.__dict__.pop(memoized, None)
    script.revision_map = RevisionMap(script._load_revisions)


def _on_target(context: EnvironmentContext, target: Target, settings: Settings | None) -> None:
    if context.is_offline_mode():
        _offline(context, target)
    else:
        _await(_online(context, target, _lock_timeout(context, settings)))


def _offline(context: EnvironmentContext, target: Target) -> None:
    """Write the SQL and touch nothing."""
    narrow(context.script, target.branch)
    sqlite = target.url.get_backend_name() == "sqlite"
    context.configure(
        url=target.url,
        literal_binds=True,
        target_metadata=target.branch.metadata,
        transactional_ddl=sqlite,
    )
    if sqlite:
        context.get_context().impl.static_output("PRAGMA foreign_keys = OFF;")
    with context.begin_transaction():
        context.run_migrations()


async def _online(context: EnvironmentContext, target: Target, lock_timeout: float) -> None:
    waits = {"connect_timeout": max(lock_timeout, 0.01)} if target.url.get_backend_name() == "sqlite" else {}
    pool = PoolSettings.model_validate({"read_timeout": _LONGEST_STATEMENT, **waits})
    engine = create_engine(target.url, pool, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(
                lambda sync_connection: _on_connection(context, target, sync_connection, lock_timeout)
            )
    except DBAPIError as error:
        raise _described(target, error) from error
    finally:
        await engine.dispose()


def _on_connection(
    context: EnvironmentContext, target: Target, connection: Connection, lock_timeout: float
) -> None:
    narrow(context.script, target.branch)
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        _defer_foreign_keys(connection)
    context.configure(
        connection=connection,
        target_metadata=target.branch.metadata,
        transactional_ddl=sqlite,
        transaction_per_migration=not sqlite,
        render_as_batch=True,
        process_revision_directives=_numbering(target.branch),
        **Comparison(target.branch).options(),
    )
    migration = context.get_context()
    if "destination_rev" not in migration.opts:
        connection.execution_options(**{READ_ONLY: True})
        with context.begin_transaction():
            context.run_migrations()
        return
    if not sqlite and not connection.in_transaction():
        # Notes such as "name ignored for PRIMARY key" would be logged as warnings.
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_METADATA_LOCK_WAIT}, sql_notes = 0")
    with advisory_lock(connection, target.name, timeout=lock_timeout):
        if not sqlite:
            connection.commit()
        _mutate(context, target, connection)


def _defer_foreign_keys(connection: Connection) -> None:
    """Turn foreign keys off, which SQLite does only outside a transaction, or refuse.

    A table that is built anew is dropped in between, and with foreign keys on that deletes the rows that
    refer to it.
    """
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.execute("PRAGMA foreign_keys")
    (on,) = cursor.fetchone() or (0,)
    cursor.close()
    if on:
        raise MigrationError("give the migration a connection that is not inside a transaction")


def _mutate(context: EnvironmentContext, target: Target, connection: Connection) -> None:
    """Apply the revisions, and say how far it got if one fails."""
    migration, step = context.get_context(), _Step()
    step.follow(migration)
    try:
        with context.begin_transaction():
            require_own_database(connection, target, context.script, _recorded(migration))
            _create_version_table(connection)
            context.run_migrations()
            _check_references(connection)
    except (MigrationTargetError, MigrationLockedError):
        raise
    except Exception as error:  # whatever the code of a revision raises
        if step.current is None:
            raise
        raise _broken(target, step, error, connection.dialect.name) from error


def _create_version_table(connection: Connection) -> None:
    """Create Alembic's table as it does itself, but for a name that MySQL would warn of."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(_VERSION_TABLE)


def _recorded(migration: MigrationContext) -> tuple[str, ...]:
    return () if migration.opts.get("purge") else migration.get_current_heads()


def _check_references(connection: Connection) -> None:
    """Check what SQLite did not check while foreign keys were off."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise MigrationError(f"rows of {broken[0]} refer to rows of {broken[2]} that don't exist")


class _Step:
    """The revision that is being applied now, and the ones that were."""

    def __init__(self) -> None:
        self.current: str | None = None
        self.done: list[str] = []

    def follow(self, migration: MigrationContext) -> None:
        """Watch the steps that a command makes Alembic run."""
        work = migration._migrations_fn
        assert work is not None  # noqa: S101  # every command has one

        def followed(heads: Any, context: MigrationContext) -> Iterator[Any]:
            steps: Iterable[Any] = work(heads, context)
            for step in steps:
                if self.current is not None:
                    self.done.append(self.current)
                self.current = str(step)
                yield step

        migration._migrations_fn = followed


def _broken(target: Target, step: _Step, error: Exception, dialect: str) -> MigrationError:
    cause = _cause(error) if isinstance(error, DBAPIError) else str(error) or type(error).__name__
    message = f"{target.name}: {(step.current or '').rstrip('.')}: failed: {cause}."
    if dialect == "sqlite":
        return MigrationError(f"{message} Nothing was changed: all of it was rolled back")
    done = f"{len(step.done)} before it stay applied" if step.done else "none was applied before it"
    return MigrationError(
        f"{message} {done}, and since the server commits each statement by itself, parts of this one may be"
        " in place. Put right what the cause says and run the same command again: it goes on where it"
        " stopped and does nothing twice"
    )


def _cause(error: DBAPIError) -> str:
    ours = wrap(error)
    said: tuple[Any, ...] = getattr(error.orig, "args", ())
    # A refusal that has no name of ours is about structure: the server's words hold no values.
    return f"{ours}: {said[-1]}" if type(ours) is DatabaseError and said else str(ours)


def _described(target: Target, error: DBAPIError) -> ShardwiseError:
    ours = wrap(error)
    if isinstance(ours, TransientDatabaseError):
        return MigrationLockedError(f"{target.name} is in use by another process: {ours}")
    return MigrationError(f"{target.name}: {ours}")


def _numbering(branch: Branch) -> Any:
    def number(context: MigrationContext, revision: Any, directives: list[MigrationScript]) -> None:
        number_revision(context, branch, directives)
        forget_placement(directives)

    return number
