"""Reads `table_shard_config` into a topology, and writes a shard's address into a row."""

from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import String, select, type_coerce
from sqlalchemy.engine import URL

from shardwise.config import PoolSettings, database_url
from shardwise.errors import ConfigurationError, ShardConfigurationError
from shardwise.kit.clock import utc_now
from shardwise.schema.control import ShardConfig, ShardStatus
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.shard import Shard, Topology

_MAX_PORT = 65_535
_ROWS = select(
    ShardConfig.shard_id,
    ShardConfig.shard_name,
    ShardConfig.driver,
    ShardConfig.host,
    ShardConfig.port,
    ShardConfig.database_name,
    ShardConfig.username,
    ShardConfig.password,
    type_coerce(ShardConfig.status, String).label("status"),  # an unknown one must not spoil the other rows
    ShardConfig.weight,
    ShardConfig.region,
    ShardConfig.pool_size,
    ShardConfig.max_overflow,
).order_by(ShardConfig.shard_id)


async def load_topology(global_database: DatabaseManager, pool: PoolSettings) -> Topology:
    """Read the shard configuration.

    Args:
        global_database: where the configuration is.
        pool: the sizes and timeouts of shards whose row has none of its own.

    Returns:
        A snapshot; a row that can't be used is in its `broken`, the others are not affected by it.

    Raises:
        DatabaseError: the configuration can't be read.
    """
    async with global_database.session(read_only=True) as session:
        rows: Any = (await session.execute(_ROWS)).all()
    shards, broken = {}, {}
    for row in rows:
        try:
            shards[row.shard_id] = shard_from_row(row, pool, global_database.url)
        except ConfigurationError as error:
            broken[row.shard_id] = ShardConfigurationError(row.shard_id, str(error))
        except (TypeError, ValueError):
            broken[row.shard_id] = ShardConfigurationError(
                row.shard_id, "a column of its row has a wrong type"
            )
    return Topology(shards=MappingProxyType(shards), broken=MappingProxyType(broken), loaded_at=utc_now())


def shard_from_row(row: ShardConfig, pool: PoolSettings, global_url: URL) -> Shard:
    """Return the shard that a row describes.

    Raises:
        ConfigurationError: a column has a value that can't be used.
    """
    own = {name: value for name in ("pool_size", "max_overflow") if (value := getattr(row, name)) is not None}
    try:
        sizes = PoolSettings.model_validate(pool.model_dump() | own)
    except ValueError:
        raise ConfigurationError("pool_size or max_overflow of its row is out of range") from None
    if row.status not in set(ShardStatus):
        raise ConfigurationError(f"its row has the status {row.status!r}; it can be {', '.join(ShardStatus)}")
    return Shard(
        shard_id=row.shard_id,
        name=row.shard_name,
        url=_row_url(row, global_url),
        status=ShardStatus(row.status),
        weight=row.weight,
        region=row.region,
        pool=sizes,
    )


def _row_url(row: ShardConfig, global_url: URL) -> URL:
    what = f"the row of shard {row.shard_id} in table_shard_config"
    if row.driver.startswith("sqlite"):
        file = sqlite_file(row.database_name, global_url)
        return database_url(URL.create(row.driver, database=file or None), what)
    if not row.host or not 1 <= row.port <= _MAX_PORT:
        raise ConfigurationError(f"{what} has no usable host and port")
    url = URL.create(row.driver, row.username, row.password, row.host, row.port, row.database_name)
    return database_url(url, what)


def sqlite_file(name: str, global_url: URL) -> str:
    """Return a shard's SQLite file; a relative name starts at the folder of the global database's file."""
    if not name or Path(name).is_absolute() or global_url.get_backend_name() != "sqlite":
        return name
    return str(Path(global_url.database or "").parent / name)


def address_columns(url: URL, global_url: URL) -> dict[str, str | int]:
    """Return the columns of `table_shard_config` that hold an address.

    A SQLite file below the folder of the global database's file is stored relative to it, so that the
    folder can be moved as a whole.

    Raises:
        ConfigurationError: the address has options, for which the table has no column.
    """
    if url.query:
        raise ConfigurationError(f"the options {', '.join(url.query)} of a shard's URL can't be stored")
    if url.get_backend_name() != "sqlite":
        return {
            "driver": url.drivername,
            "host": url.host or "localhost",
            "port": url.port or 3306,
            "database_name": url.database or "",
            "username": url.username or "",
            "password": url.password or "",
        }
    file = Path(url.database or "").absolute()
    if global_url.get_backend_name() == "sqlite":
        base = Path(global_url.database or "").absolute().parent
        file = file.relative_to(base) if file.is_relative_to(base) else file
    return {
        "driver": url.drivername,
        "host": "",
        "port": 0,
        "database_name": str(file),
        "username": "",
        "password": "",
    }
