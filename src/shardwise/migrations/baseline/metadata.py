"""Where the tables of the first installations are listed, in the order in which they can be created."""

from shardwise.migrations.columns import baseline_metadata

GLOBAL = baseline_metadata()
SHARD = baseline_metadata()
