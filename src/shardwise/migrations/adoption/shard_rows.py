"""The shards that an old `table_shard_config` names: read by its old columns, a newer one's as well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from shardwise.config import database_url
from shardwise.errors import ConfigurationError, MigrationTargetError
from shardwise.migrations.adoption.inventory import Inventory
from shardwise.migrations.targets import Target
from shardwise.schema.control import ShardStatus

_DRIVER = "mysql+asyncmy"
_COLUMNS = ("shard_id", "host", "port", "database_name", "username", "password", "status")
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedShards:
    """The rows of the configuration.

    Attributes:
        targets: the shards by id.
        disabled: those among them that take no part.
        broken: why a row can't be used, by shard id.
    """

    targets: Mapping[int, Target]
    disabled: frozenset[int]
    broken: Mapping[int, str]


def read_shards(connection: Connection, inventory: Inventory) -> NamedShards:
    """Read the configuration of a global database, at whatever revision it is.

    Raises:
        MigrationTargetError: the table lacks a column that a shard's address needs.
    """
    present = inventory.tables["table_shard_config"].columns
    if missing := [name for name in _COLUMNS if name not in present]:
        raise MigrationTargetError(
            f"table_shard_config has no column {', '.join(missing)}: this is no old deployment"
        )
    names = ", ".join((*_COLUMNS, *(["driver"] if "driver" in present else [])))
    rows = connection.execute(text(f"SELECT {names} FROM table_shard_config ORDER BY shard_id")).mappings()
    targets, broken, disabled = {}, {}, set()
    for row in rows:
        shard_id = int(row["shard_id"])
        try:
            targets[shard_id] = Target.shard(shard_id, _url(dict(row)))
        except (ConfigurationError, TypeError, ValueError) as error:
            ours = isinstance(error, ConfigurationError)
            broken[shard_id] = str(error) if ours else "a column of its row has a wrong type"
        if row["status"] == ShardStatus.DISABLED:
            disabled.add(shard_id)
    return NamedShards(targets=targets, disabled=frozenset(disabled), broken=broken)


def _url(row: Mapping[str, Any]) -> URL:
    what = f"the row of shard {row['shard_id']} in table_shard_config"
    if not row["host"] or not 1 <= row["port"] <= _MAX_PORT:
        raise ConfigurationError(f"{what} has no usable host and port")
    address = URL.create(
        row.get("driver") or _DRIVER,
        row["username"],
        row["password"],
        row["host"],
        row["port"],
        row["database_name"],
    )
    return database_url(address, what)
