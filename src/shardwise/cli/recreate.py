"""`shardwise recreate`: a development topology from scratch."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from shardwise.cli.command import USAGE, command, settings
from shardwise.cli.databases import create, delete_contents, exists, shown, table_names
from shardwise.cli.output import say_error
from shardwise.cli.upgrade import options, report, upgrade_each
from shardwise.config import Environment, PoolSettings
from shardwise.errors import ConfigurationError, ShardwiseError
from shardwise.migrations.branches import Branch
from shardwise.migrations.runner import upgrade
from shardwise.migrations.targets import Target
from shardwise.schema.control import ShardConfig, ShardStats
from shardwise.topology.loader import shard_from_row
from shardwise.topology.manager import DatabaseManager

Row = Mapping[str, Any]

_VERSIONS = "alembic_version"


@command
async def recreate(
    context: typer.Context,
    *,
    confirmed: Annotated[
        bool, typer.Option("--yes-delete-everything", help="Required: every row of every database goes.")
    ] = False,
) -> int:
    """Delete and rebuild all databases of a development topology; the shards' configuration is kept.

    Works only where SHARDWISE_ENVIRONMENT is development or test. SQLite files are deleted, on servers all
    tables are dropped; disabled shards too, whose status stays as it is. Nothing is deleted anywhere if
    one of the databases holds tables that are not those of shardwise.
    """
    chosen = settings(context)
    if chosen.environment not in (Environment.DEVELOPMENT, Environment.TEST):
        raise ConfigurationError(
            f"the environment is {chosen.environment}; recreate works only with"
            " SHARDWISE_ENVIRONMENT=development or test, and nothing was deleted"
        )
    url = chosen.database.sqlalchemy_url()
    if not confirmed:
        say_error(
            f"nothing was deleted; add --yes-delete-everything to delete every row of {shown(url)}"
            " and of all its shards"
        )
        return USAGE
    rows = await _read_shards(url)
    shards = [_shard_url(row, url) for row in rows]
    for address in (*shards, url):
        await create(address)  # all of them answer and are ours, or none is touched
        await _require_ours(address, Branch.GLOBAL if address == url else Branch.SHARD)
    try:
        for address in (*shards, url):
            await delete_contents(address)
        made = await upgrade(Target.global_database(url), options=options(chosen))
        await _write_shards(url, rows)
    except (ShardwiseError, asyncio.CancelledError):
        for row, address in zip(rows, shards, strict=True):
            say_error(
                f"the configuration had shard {row['shard_id']} ({row['shard_name']}) at {shown(address)}"
            )
        raise
    targets = [Target.shard(row["shard_id"], address) for row, address in zip(rows, shards, strict=True)]
    return report([made, *await upgrade_each(targets, chosen)])


async def _require_ours(url: URL, branch: Branch) -> None:
    """Refuse a database that somebody else has tables in."""
    there = await table_names(url) if await exists(url) else frozenset()
    configures_shards = ShardConfig.__tablename__ in there
    ours = configures_shards if branch is Branch.GLOBAL else _VERSIONS in there and not configures_shards
    if there - {_VERSIONS} and not ours:
        raise ConfigurationError(
            f"{shown(url)} holds tables, but is no {branch} database of shardwise; is its address right?"
            " Nothing was deleted. If an upgrade was interrupted, finish that first: `shardwise upgrade`"
        )


async def _read_shards(url: URL) -> Sequence[Row]:
    """Return the rows of the shard configuration as far as an older schema has their columns."""
    if not await exists(url):
        return []
    manager = DatabaseManager(url, name="global database", poolclass=NullPool)
    table = ShardConfig.metadata.tables[ShardConfig.__tablename__]
    try:
        async with manager.session(read_only=True) as session:
            connection = await session.connection()
            there = await connection.run_sync(
                lambda sync: (
                    {column["name"] for column in inspect(sync).get_columns(table.name)}
                    if inspect(sync).has_table(table.name)
                    else set()
                )
            )
            if not there:
                return []
            kept = [column for column in table.columns if column.name in there]
            return [dict(row) for row in (await session.execute(select(*kept))).mappings()]
    finally:
        await manager.close()


def _shard_url(row: Row, global_url: URL) -> URL:
    pool = PoolSettings.model_validate({})
    defaults = {"driver": "mysql+asyncmy", "weight": 1}
    return shard_from_row(ShardConfig(**{**defaults, **row}), pool, global_url).url


async def _write_shards(url: URL, rows: Sequence[Row]) -> None:
    manager = DatabaseManager(url, name="global database", poolclass=NullPool)
    try:
        async with manager.session() as session:
            for row in rows:
                session.add(ShardConfig(**row))
                session.add(ShardStats(shard_id=row["shard_id"], user_count=0, active_users=0))
    finally:
        await manager.close()
