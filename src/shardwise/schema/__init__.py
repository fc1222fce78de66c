"""What declarative models are made of: bases, column types, recurring columns."""

from shardwise.schema.base import SHARD_KEY, GlobalBase, ShardBase, TablePlacement, placement_of
from shardwise.schema.columns import account_key_column, created_at_column, current_moment, updated_at_column
from shardwise.schema.types import (
    AutoBigInt,
    AutoUnsignedBigInt,
    Choice,
    ExactDecimal,
    UnsignedBigInt,
    UnsignedInt,
    UtcDateTime,
)

__all__ = [
    "SHARD_KEY",
    "AutoBigInt",
    "AutoUnsignedBigInt",
    "Choice",
    "ExactDecimal",
    "GlobalBase",
    "ShardBase",
    "TablePlacement",
    "UnsignedBigInt",
    "UnsignedInt",
    "UtcDateTime",
    "account_key_column",
    "created_at_column",
    "current_moment",
    "placement_of",
    "updated_at_column",
]
