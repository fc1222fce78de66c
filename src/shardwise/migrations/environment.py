"""What every env.py does: find the database, see to it that only its own branch can get in, migrate it."""

import asyncio
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
from shardwise.migrations.preparation import WHILE_MIGRATING, prepared
from shardwise.migrations.steps import Steps
from shardwise.migrations.targets import Request, Target, find_targets, parse_request
from shardwise.topology.driver_errors import wrap
from shardwise.topology.engines import MYSQL_SESSION, READ_ONLY, create_engine

_LONGEST_STATEMENT = 86_400  # seconds that an ALTER TABLE may take
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
        target = attributes.get("target") or _connected(context, connection)
        _on_connection(context, target, connection, _lock_timeout(context, settings))
        return
    targets = _targets(context, settings)
    if len(targets) > 1 and getattr(context.config.cmd_opts, "autogenerate", False):
        raise MigrationTargetError(
            "a revision is made from one database; name one shard with -x shard=NUMBER"
        )
    if len(targets) == 1:
        _on_target(context, targets[0], settings)
        return
    failures = []
    for target in targets:
        context.config.print_stdout("-- %s" if context.is_offline_mode() else "%s:", target.name)
        try:
            _on_target(context, target, settings)
        except ShardwiseError as error:  # a dead shard doesn't keep the others from their turn
            failures.append(str(error))
    if failures:
        raise MigrationError("\n".join(failures))


def _targets(context: EnvironmentContext, settings: Settings | None) -> list[Target]:
    given = context.config.attributes.get("target")
    if given is not None:
        return [given]
    targets: list[Target] = _await(find_targets(_request(context), settings or Settings()))
    return targets


def _request(context: EnvironmentContext) -> Request:
    names = [argument.partition("=")[0] for argument in context.get_x_argument()]
    if max(names.count("shard"), names.count("database")) > 1:
        raise MigrationTargetError("-x names several databases: name one, or all shards with -x shard=all")
    arguments = context.get_x_argument(as_dictionary=True)
    return parse_request(arguments, context.config.config_ini_section)


def _connected(context: EnvironmentContext, connection: Connection) -> Target:
    branch = context.config.attributes.get("branch") or _request(context).branch
    return Target(name=f"the {branch} database", url=connection.engine.url, branch=Branch(branch))


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
    for statement in WHILE_MIGRATING if sqlite else (MYSQL_SESSION,):
        context.get_context().impl.static_output(f"{statement};")
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
    context.configure(
        connection=connection,
        target_metadata=target.branch.metadata,
        transactional_ddl=sqlite,
        transaction_per_migration=not sqlite,
        render_as_batch=True,
        process_revision_directives=_directives(target.branch),
        **Comparison(target.branch).options(),
    )
    if "destination_rev" in context.get_context().opts:
        with prepared(connection), advisory_lock(connection, target.name, timeout=lock_timeout):
            _mutate(context, target, connection)
        return
    connection.execution_options(**{READ_ONLY: True})
    with context.begin_transaction():
        context.run_migrations()


def _mutate(context: EnvironmentContext, target: Target, connection: Connection) -> None:
    """Apply the revisions, and say how far it got if one fails."""
    migration = context.get_context()
    steps = Steps(migration)
    try:
        with context.begin_transaction():
            require_own_database(connection, target, context.script, _recorded(migration))
            _create_version_table(connection)
            context.run_migrations()
            _check_references(connection)
    except (MigrationTargetError, MigrationLockedError):
        raise
    except Exception as error:  # whatever the code of a revision raises
        if steps.current is None:
            raise
        raise steps.failure(target.name, error) from error


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


def _described(target: Target, error: DBAPIError) -> ShardwiseError:
    ours = wrap(error)
    if isinstance(ours, TransientDatabaseError):
        return MigrationLockedError(f"{target.name} is in use by another process: {ours}")
    return MigrationError(f"{target.name}: {ours}")


def _directives(branch: Branch) -> Any:
    def complete(context: MigrationContext, revision: Any, directives: list[MigrationScript]) -> None:
        number_revision(context, branch, directives)
        forget_placement(directives)

    return complete
