import pytest

from shardwise.database import ShardedDatabase


@pytest.fixture
async def account(db: ShardedDatabase) -> int:
    """The key of an account that has a shard."""
    await db.place_account(1000)
    return 1000
