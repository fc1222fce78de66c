"""Asking every active shard the same at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from shardwise.database import ShardedDatabase
from shardwise.errors import ShardwiseError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetAnswer(Generic[T]):
    """What the shards said.

    Attributes:
        by_shard: the answers by shard id, in order.
        failed: why the other shards have none; also those whose row in the configuration can't be used.
    """

    by_shard: Mapping[int, T]
    failed: Mapping[int, ShardwiseError]

    @property
    def complete(self) -> bool:
        """Return whether every shard answered."""
        return not self.failed


async def ask_active_shards(db: ShardedDatabase, work: Callable[[int], Awaitable[T]]) -> FleetAnswer[T]:
    """Do some work on every active shard, side by side.

    Args:
        db: an open database.
        work: is given a shard id. A `ShardwiseError` of one shard doesn't keep the others from answering.
    """
    shard_ids = [shard.shard_id for shard in db.topology.active]
    outcomes = await asyncio.gather(*map(work, shard_ids), return_exceptions=True)
    answers: dict[int, T] = {}
    failed: dict[int, ShardwiseError] = dict(db.topology.snapshot.broken)
    for shard_id, outcome in zip(shard_ids, outcomes, strict=True):
        if isinstance(outcome, ShardwiseError):
            failed[shard_id] = outcome
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            answers[shard_id] = outcome
    return FleetAnswer(by_shard=answers, failed=failed)
