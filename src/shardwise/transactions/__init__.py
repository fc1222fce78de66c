"""Transactions that nest, and units of work that are run again."""

from shardwise.transactions.manager import TransactionManager
from shardwise.transactions.retry import with_db_retry

__all__ = ["TransactionManager", "with_db_retry"]
