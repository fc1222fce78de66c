"""The configuration that old programs make their service with."""

from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlalchemy.engine import URL

from shardwise.config import Settings
from shardwise.database import ShardedDatabase
from shardwise.errors import ConfigurationError

_ADDRESS = ("type", "host", "port", "database", "user", "password")
_POOL = ("charset", "pool_size", "max_overflow", "connect_timeout", "read_timeout", "write_timeout")


class DatabaseConfig(BaseModel):
    """Where the global database is, in the fields of the old configuration; the password is never shown.

    Attributes:
        type: mysql, mariadb or sqlite.
        host: of the server; as port, user and password, without meaning for sqlite.
        port: 1 to 65535.
        database: the name of the database, or the SQLite file.
        user: of the database.
        password: as text, or a `SecretStr`.
        charset: utf8mb4.
        pool_size: connections kept, 1 to 1000.
        max_overflow: connections beyond those, 0 to 1000.
        connect_timeout: seconds to connect.
        read_timeout: seconds to wait for an answer.
        write_timeout: seconds that sent data may stay unacknowledged.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    type: str = "mysql"
    host: str = "localhost"
    port: int = 3306
    database: str = ""
    user: str = ""
    password: SecretStr = SecretStr("")
    charset: str = "utf8mb4"
    pool_size: int = 10
    max_overflow: int = 20
    connect_timeout: float = 30
    read_timeout: float = 30
    write_timeout: float = 30


def database_for(config: Any) -> ShardedDatabase:
    """Return a database, not opened, for whatever a program configures its service with.

    Args:
        config: a URL, `Settings`, a `DatabaseConfig`, or a program's own object with the same attributes;
            an attribute that it lacks has the default.

    Raises:
        ConfigurationError: it is none of these, or a value can't be used.
    """
    if isinstance(config, Settings):
        return ShardedDatabase(config)
    if isinstance(config, (str, URL)):
        return ShardedDatabase.from_url(config)
    if not hasattr(config, "database"):
        raise ConfigurationError(
            f"a DatabaseService can't be made from a {type(config).__name__}; pass a DatabaseConfig, a URL,"
            " Settings or a ShardedDatabase"
        )
    values = {name: getattr(config, name) for name in (*_ADDRESS, *_POOL) if hasattr(config, name)}
    values.setdefault("type", "mysql")
    return ShardedDatabase(Settings(database={name: one for name, one in values.items() if one is not None}))
