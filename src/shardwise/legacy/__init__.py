"""The API of the system that shardwise replaces: its service, and its stored procedures by name."""

from shardwise.legacy.clients import DatabaseClient
from shardwise.legacy.config import DatabaseConfig
from shardwise.legacy.registry import registered_procedures
from shardwise.legacy.service import DatabaseService
from shardwise.legacy.transactions import Transaction

__all__ = ["DatabaseClient", "DatabaseConfig", "DatabaseService", "Transaction", "registered_procedures"]
