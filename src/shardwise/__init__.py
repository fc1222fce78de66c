"""An async data layer on SQLAlchemy 2 for applications whose users outgrow one database."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shardwise.config import Settings
    from shardwise.database import ShardedDatabase
    from shardwise.errors import (
        DatabaseConnectionError,
        DatabaseError,
        DuplicateEntityError,
        EntityNotFoundError,
        ShardUnavailableError,
        ShardwiseError,
        UnknownAccountError,
    )
    from shardwise.repository import BaseRepository
    from shardwise.routing.placement import Placement
    from shardwise.schema.base import GlobalBase, ShardBase
    from shardwise.session.sharded import ShardedSession
    from shardwise.topology.manager import DatabaseManager
    from shardwise.transactions.manager import TransactionManager
    from shardwise.transactions.retry import with_db_retry

__version__ = "0.1.0"

__all__ = [
    "BaseRepository",
    "DatabaseConnectionError",
    "DatabaseError",
    "DatabaseManager",
    "DuplicateEntityError",
    "EntityNotFoundError",
    "GlobalBase",
    "Placement",
    "Settings",
    "ShardBase",
    "ShardUnavailableError",
    "ShardedDatabase",
    "ShardedSession",
    "ShardwiseError",
    "TransactionManager",
    "UnknownAccountError",
    "with_db_retry",
]

# Where the names are. They are imported at their first use: the pytest plugin is below this package, and
# every run of pytest beside an installed shardwise would otherwise pay for the import of SQLAlchemy.
_MODULES = {
    "BaseRepository": "shardwise.repository",
    "DatabaseManager": "shardwise.topology.manager",
    "GlobalBase": "shardwise.schema.base",
    "Placement": "shardwise.routing.placement",
    "Settings": "shardwise.config",
    "ShardBase": "shardwise.schema.base",
    "ShardedDatabase": "shardwise.database",
    "ShardedSession": "shardwise.session.sharded",
    "TransactionManager": "shardwise.transactions.manager",
    "with_db_retry": "shardwise.transactions.retry",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES.get(name, "shardwise.errors")), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
