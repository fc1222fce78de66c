"""An async data layer on SQLAlchemy 2 for applications whose users outgrow one database."""

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
from shardwise.transactions import TransactionManager, with_db_retry

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
