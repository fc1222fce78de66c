"""The tables of the first installations, from which the revisions start."""

from shardwise.migrations.baseline import global_database, shard_domains, shard_messaging
from shardwise.migrations.baseline.metadata import GLOBAL, SHARD

__all__ = ["GLOBAL", "SHARD", "global_database", "shard_domains", "shard_messaging"]
