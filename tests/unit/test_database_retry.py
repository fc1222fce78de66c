from pathlib import Path

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import AuthenticationError, TransientDatabaseError


@pytest.fixture
def db(tmp_path: Path) -> ShardedDatabase:
    url = f"sqlite:///{tmp_path / 'global.db'}"
    return ShardedDatabase.from_url(url, retry={"attempts": 4, "backoff": 1})


async def test_a_unit_of_work_is_run_as_often_as_the_settings_say(db: ShardedDatabase) -> None:
    runs = []

    @db.with_retry
    async def deadlocked(amount: int) -> None:
        runs.append(amount)
        raise TransientDatabaseError("deadlock")

    with pytest.raises(TransientDatabaseError, match="deadlock"):
        await deadlocked(7)
    assert runs == [7, 7, 7, 7]


async def test_an_error_of_the_domain_is_not_retried(db: ShardedDatabase) -> None:
    runs = []

    @db.with_retry
    async def refused() -> None:
        runs.append(1)
        raise AuthenticationError

    with pytest.raises(AuthenticationError):
        await refused()
    assert len(runs) == 1
