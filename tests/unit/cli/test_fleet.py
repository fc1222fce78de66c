"""The topology as a command that only looks may use it."""

from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy.engine import make_url

from shardwise.cli.fleet import heads, looked_at, opened, without_missing_files
from shardwise.config import PoolSettings, Settings
from shardwise.errors import DatabaseConnectionError
from shardwise.migrations.branches import Branch, expected_head
from shardwise.schema.control import ShardStatus
from shardwise.topology.shard import Shard, Topology


def shard(shard_id: int, url: str, status: ShardStatus = ShardStatus.ACTIVE) -> Shard:
    pool = PoolSettings.model_validate({})
    return Shard(shard_id=shard_id, name=f"shard_{shard_id}", url=make_url(url), status=status, pool=pool)


def test_missing_file_breaks_its_shard_only(tmp_path: Path) -> None:
    (tmp_path / "there.db").touch()
    shards = {
        1: shard(1, f"sqlite+aiosqlite:///{tmp_path / 'there.db'}"),
        2: shard(2, f"sqlite+aiosqlite:///{tmp_path / 'gone.db'}"),
        3: shard(3, f"sqlite+aiosqlite:///{tmp_path / 'gone.db'}", ShardStatus.DISABLED),
        4: shard(4, "mysql+asyncmy://u@h/d"),
    }
    looked = without_missing_files(Topology(shards=MappingProxyType(shards)))
    assert list(looked.shards) == [1, 3, 4]
    assert "gone.db" in str(looked.broken[2])


@pytest.mark.parametrize("enter", [opened, looked_at])
async def test_missing_global_file_is_not_made(tmp_path: Path, enter: type[object]) -> None:
    file = tmp_path / "global.db"
    settings = Settings(database={"url": f"sqlite:///{file}"})
    with pytest.raises(DatabaseConnectionError, match="`shardwise upgrade` makes it"):
        async with enter(settings):  # type: ignore[attr-defined]
            pass
    assert not file.exists()


async def test_heads_are_those_of_the_branches() -> None:
    assert await heads(Settings()) == {branch: expected_head(branch) for branch in Branch}
